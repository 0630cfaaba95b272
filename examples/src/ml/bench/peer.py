"""The other side of `ml bench`: runs what it is told with onnxruntime and answers with times in nanoseconds."""

import json
import sys
import time

import numpy as np
import onnxruntime

sessions = {}


def load(name, path, threads):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # As on the other side: threads that spin while they wait take the processor from everything else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    sessions[name] = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def encode(name, rows, columns, runs):
    ids = np.array([[5 + (r * 7 + c * 3) % 300 for c in range(columns)] for r in range(rows)], np.int64)
    full = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
    session = sessions[name]
    feeds = {port.name: full[port.name] for port in session.get_inputs()}
    times = []
    for _ in range(runs):
        start = time.perf_counter_ns()
        session.run(None, feeds)
        times.append(time.perf_counter_ns() - start)
    return times


def decode(name, past, runs):
    session = sessions[name]
    outputs = [port.name for port in session.get_outputs()]
    ports = session.get_inputs()
    memory = {p.name: np.zeros([1, p.shape[1], 0, p.shape[3]], np.float32) for p in ports if p.name.startswith("past")}
    has_places = any(p.name == "position_ids" for p in ports)
    times, seen = [], 0
    for step in range(runs + 1):
        columns = past if step == 0 else 1
        ids = np.array([[5 + (seen + c) % 300 for c in range(columns)]], np.int64)
        start = time.perf_counter_ns()
        feeds = {"input_ids": ids, "attention_mask": np.ones((1, seen + columns), np.int64), **memory}
        if has_places:
            feeds["position_ids"] = np.arange(seen, seen + columns, dtype=np.int64)[None]
        values = session.run(outputs, feeds)
        memory = {n.replace("present", "past_key_values"): v for n, v in zip(outputs, values) if n != "logits"}
        if step > 0:
            times.append(time.perf_counter_ns() - start)
        seen += columns
    return times


print(json.dumps({"version": onnxruntime.__version__, "package": onnxruntime.__file__}), flush=True)
for line in sys.stdin:
    call = json.loads(line)
    print(json.dumps({"load": load, "encode": encode, "decode": decode}[call.pop("call")](**call)), flush=True)
