#!/usr/bin/env python3
"""Writes the recorded messages of testdata/wire as seeds for the targets that read HTTP as text.
Usage: fuzz/seeds.py FOLDER; each target's seeds come into FOLDER/TARGET."""

import json
import pathlib
import sys

root = pathlib.Path(__file__).resolve().parent.parent / "testdata" / "wire"
vectors = json.loads((root / "wire-vectors.json").read_text(encoding="utf-8"))
tensors = json.loads((root / "tensors.json").read_text(encoding="utf-8"))
out = pathlib.Path(sys.argv[1])


def write(target, number, data):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number:04}").write_bytes(data)


def message(first, headers, body):
    lines = [first, *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(lines).encode() + b"\n\n" + body


requests = []
for case in vectors["btauth1"]["verify"]:
    first = f"{case['method']} {case['target']}"
    requests.append(message(first, case["headers"], bytes.fromhex(case["body_hex"])))
for case in vectors["v10"]["dendrite_requests"]:
    headers = {"content-type": "application/json", **case["headers"]}
    requests.append(message(f"POST {case['route']}", headers, json.dumps(case["body"]).encode()))
for case in vectors["v10"]["axon_verify"]:
    requests.append(message("POST /Prompt", case["headers"], b'{"prompt": "hello world"}'))
for case in vectors["others"]["epistula_v2"]:
    requests.append(message("POST /generate", case["headers"], bytes.fromhex(case["body_hex"])))
for number, data in enumerate(requests):
    write("wire_head", number, data)
    write("wire_synapse", number, data)

for number, case in enumerate(vectors["v10"]["axon_responses"]):
    body = case["body"] if isinstance(case["body"], str) else json.dumps(case["body"])
    data = message(str(case["status"]), case["headers"], body.encode())
    write("wire_response", 2 * number, b"0" + data)
    write("wire_response", 2 * number + 1, b"1" + data)

texts = [json.dumps(case["json"]) for case in vectors["v10"]["python_str"]]
texts += [json.dumps(case["fields"]) for case in vectors["v10"]["body_hash"]]
texts += [json.dumps(case["body"]) for case in vectors["v10"]["dendrite_requests"]]
texts += [json.dumps(case["pixels"]) for case in tensors]
texts += [json.dumps({"pixels": case["pixels"], "pair": [1, "x"]}) for case in tensors]
for number, text in enumerate(texts):
    write("wire_hash", number, text.encode())
