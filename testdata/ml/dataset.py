"""Writes `dataset/`: the same made-up rows as JSON lines, CSV and Parquet, and `dataset.json`, what Python reads in them and
which of them the rule of `tensor_ml::dataset::Dataset::sample` draws.

    pip install pyarrow==26.0.1
    python3 dataset.py
"""

import csv
import datetime
import decimal
import hashlib
import json
import pathlib
import struct

import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).parent
OUT = HERE / "dataset"
WORDS = ["rain", "naïve \"quotes\"", "two\nlines", "a, b; c", "日本", "", "tab\there", "plain"]


def rows():
    for place in range(40):
        yield {"id": place * 1_000_000_007 - 5, "text": f"{WORDS[place % len(WORDS)]} {place}", "label": ["good", "bad"][place % 2],
               "score": place / 7 if place % 5 else None, "flag": place % 3 == 0, "tags": WORDS[: place % 4]}


def key(seed, number):
    return struct.unpack("<Q", hashlib.sha256(b"tensor-ml/dataset/1" + struct.pack("<QQ", seed, number)).digest()[:8])[0]


def main():
    OUT.mkdir(exist_ok=True)
    data = list(rows())
    (OUT / "reviews.jsonl").write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in data))
    with (OUT / "reviews.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label", "score"])
        writer.writerows([row["id"], row["text"], row["label"], row["score"]] for row in data)
    table = pa.Table.from_pylist(data, pa.schema([
        ("id", pa.int64()), ("text", pa.string()), ("label", pa.string()), ("score", pa.float64()), ("flag", pa.bool_()),
        ("tags", pa.list_(pa.string()))]))
    pq.write_table(table, OUT / "reviews.parquet", row_group_size=15, compression="snappy")
    kinds = pa.table({
        "small": pa.array([-7, None], pa.int8()), "wide": pa.array([2**64 - 1, 0], pa.uint64()),
        "half": pa.array([1.5, None], pa.float32()), "bytes": pa.array([b"\x00\xff", b""], pa.binary()),
        "day": pa.array([datetime.date(2026, 1, 2), None], pa.date32()), "money": pa.array([decimal.Decimal("12.34"), None], pa.decimal128(9, 2)),
        "when": pa.array([datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), None], pa.timestamp("ms")),
        "inner": pa.array([{"a": 1, "b": "x"}, {"a": None, "b": "y"}], pa.struct([("a", pa.int32()), ("b", pa.string())])),
        "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int32()))})
    pq.write_table(kinds, OUT / "kinds.parquet", compression="none")
    golden = {"rows": pq.read_table(OUT / "reviews.parquet").to_pylist(),
              "csv": list(csv.DictReader((OUT / "reviews.csv").open(newline=""))),
              "kinds": [{"small": -7, "wide": 2**64 - 1, "half": 1.5, "bytes": [0, 255],
                         "day": (datetime.date(2026, 1, 2) - datetime.date(1970, 1, 1)).days, "money": "12.34",
                         "when": int(datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, datetime.timezone.utc).timestamp() * 1000),
                         "inner": {"a": 1, "b": "x"}, "map": {"k": 1}},
                        {"small": None, "wide": 0, "half": None, "bytes": [], "day": None, "money": None, "when": None,
                         "inner": {"a": None, "b": "y"}, "map": {}}],
              "samples": [{"seed": seed, "count": count, "numbers": sorted(range(40), key=lambda n: key(seed, n))[:count]}
                          for seed, count in ((0, 5), (2**64 - 1, 12), (7, 100), (3, 0))]}
    (HERE / "dataset.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
