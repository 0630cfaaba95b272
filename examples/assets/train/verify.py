"""Checks the exported folders with onnxruntime, writes golden.json and prints the accuracy table.

    python verify.py            checks and prints
    python verify.py --golden   writes golden.json as well
"""

import collections
import csv
import json
import pathlib
import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent / "model"
VARIANTS = ["large", "medium", "small"]
LABELS = ["negative", "neutral", "positive"]

GOLDEN_TEXTS = [
    "The food was great and the waiter was very friendly.",
    "Terrible service, I will never come back!",
    "What time do you close on Sundays?",
    "not good",
    "Good room, but the noise kept us awake all night.",
    "I can't complain, everything worked as promised.",
    "The app keeps crashing after the latest update \U0001F621",
    "Sooooo happy with this purchase!!!!! \U0001F60D\U0001F60D",
    "My order number is 48213, paid by card on 3 March.",
    "It's okay, nothing special.",
    "recieved the wrong item, dont waste ur money",
    "Caf\u00e9 cr\u00e8me: d\u00e9licieux",
    "服务态度很好，下次还会再来。",
    "太差了，等了两个小时还没上菜！",
    "请问周末几点开门？",
    "没什么问题，一直用得挺顺手。",
    "不太好吃，价格还贵。",
    "快递已签收，包裹放在前台。",
    "房间很干净，但是隔音太差，一晚上没睡好",
    "客服回复及时👍，问题解决了。",
    "WiFi信号一般，退房时间是12点",
    "",
    "\U00020000\u3400 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
]


class Folder:
    """One exported model folder."""

    def __init__(self, name):
        self.name = name
        self.path = MODELS / name
        self.tokenizer = Tokenizer.from_file(str(self.path / "tokenizer.json"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            str(self.path / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )

    def ids(self, texts):
        return [e.ids for e in self.tokenizer.encode_batch(texts)]

    def run(self, rows, length=None):
        """Logits of token rows, padded to `length` or to the longest."""
        length = length or max(len(r) for r in rows)
        ids = np.zeros((len(rows), length), np.int64)
        mask = np.zeros((len(rows), length), np.int64)
        for i, row in enumerate(rows):
            ids[i, : len(row)] = row
            mask[i, : len(row)] = 1
        return self.session.run(["logits"], {"input_ids": ids, "attention_mask": mask})[0]

    def logits(self, texts, batch=64):
        rows = self.ids(texts)
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        out = np.zeros((len(rows), 3), np.float32)
        for at in range(0, len(order), batch):
            group = order[at : at + batch]
            out[group] = self.run([rows[i] for i in group])
        return out


def read(path):
    """[(lang, label index, text)] of a labelled CSV file."""
    with open(path, encoding="utf-8", newline="") as file:
        return [(r["lang"], LABELS.index(r["label"]), r["text"]) for r in csv.DictReader(file)]


def invariance(folder, texts):
    """Largest change of any logit through batching and through padding."""
    rows = folder.ids(texts)
    single = np.concatenate([folder.run([row]) for row in rows])
    batched = folder.run(rows)
    padded = folder.run(rows, length=max(len(r) for r in rows) + 37)
    return float(np.abs(single - batched).max()), float(np.abs(batched - padded).max())


def accuracy(folder, rows):
    """{'all', language: share of right lines} and the confusion matrix [truth][answer]."""
    answers = folder.logits([r[2] for r in rows]).argmax(1)
    right, count = collections.Counter(), collections.Counter()
    confusion = np.zeros((3, 3), int)
    for (lang, label, _), answer in zip(rows, answers):
        confusion[label][answer] += 1
        for key in ("all", lang):
            count[key] += 1
            right[key] += int(label == answer)
    return {k: right[k] / count[k] for k in count}, confusion


def golden(folders):
    out = {"texts": GOLDEN_TEXTS, "tolerance": 1e-4, "variants": {}}
    for folder in folders:
        rows = folder.ids(GOLDEN_TEXTS)
        cases = [{"ids": r, "logits": [round(float(x), 6) for x in folder.run([r])[0]]} for r in rows]
        out["variants"][folder.name] = cases
    return out


def main():
    folders = [Folder(name) for name in VARIANTS]
    for folder in folders:
        by_batch, by_padding = invariance(folder, GOLDEN_TEXTS)
        assert by_batch < 1e-4 and by_padding < 1e-4, (folder.name, by_batch, by_padding)
        size = sum(f.stat().st_size for f in folder.path.iterdir())
        print(f"{folder.name}: {size} bytes; logits move by {by_batch:.1e} in a batch, {by_padding:.1e} with padding")
    for file in (HERE.parent / "feedback.csv", HERE / "heldout.csv"):
        if not file.exists():
            continue
        rows = read(file)
        for folder in folders:
            shares, confusion = accuracy(folder, rows)
            text = "  ".join(f"{k} {v * 100:.1f} %" for k, v in sorted(shares.items()))
            print(f"{file.name:13s} {folder.name:7s} {text}  confusion {confusion.tolist()}")
    if "--golden" in sys.argv:
        lines = json.dumps(golden(folders), ensure_ascii=False, indent=None, separators=(",", ":"))
        (HERE / "golden.json").write_text(lines.replace('{"ids"', '\n{"ids"') + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
