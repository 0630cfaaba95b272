"""Writes the small graphs in `graphs/` and what ONNX Runtime makes of them (`graphs.json`), and the digest of a model
folder computed by hashlib (`digest.json`).

    pip install onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6
    python graphs.py
"""

import hashlib
import json
import pathlib
import struct

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper

HERE = pathlib.Path(__file__).parent
OUT = HERE / "graphs"
RNG = np.random.default_rng(7)


def save(name, nodes, inputs, outputs, initializers=(), ir_version=8, opset=17):
    graph = h.make_graph(nodes, name, inputs, outputs, list(initializers))
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=ir_version)
    onnx.checker.check_model(model)
    path = OUT / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def info(name, kind, shape):
    return h.make_tensor_value_info(name, kind, shape)


def dtypes():
    """Each element type goes in and comes out, one scalar among them."""
    weights = numpy_helper.from_array(RNG.standard_normal((3, 5)).astype(np.float32), "w")
    one = numpy_helper.from_array(np.array(1, np.int64), "one")
    nodes = [
        h.make_node("Add", ["ids", "one"], ["next_ids"]),
        h.make_node("Not", ["flags"], ["unflags"]),
        h.make_node("MatMul", ["x", "w"], ["y"]),
        h.make_node("Neg", ["small"], ["negated"]),
        h.make_node("ReduceSum", ["x"], ["total"], keepdims=0),
    ]
    return save(
        "dtypes",
        nodes,
        [
            info("ids", T.INT64, ["batch", "tokens"]),
            info("flags", T.BOOL, ["n"]),
            info("x", T.FLOAT, ["batch", 3]),
            info("small", T.INT32, [2]),
        ],
        [
            info("next_ids", T.INT64, ["batch", "tokens"]),
            info("unflags", T.BOOL, ["n"]),
            info("y", T.FLOAT, ["batch", 5]),
            info("negated", T.INT32, [2]),
            info("total", T.FLOAT, []),
        ],
        [weights, one],
    )


def halves():
    """Half precision in and out."""
    weights = numpy_helper.from_array(RNG.standard_normal((4, 4)).astype(np.float16), "w")
    return save(
        "halves",
        [h.make_node("MatMul", ["x", "w"], ["y"])],
        [info("x", T.FLOAT16, ["n", 4])],
        [info("y", T.FLOAT16, ["n", 4])],
        [weights],
    )


def state():
    """A memory that grows by what is put in, as a key-value cache does."""
    return save(
        "state",
        [
            h.make_node("Concat", ["past", "x"], ["present"], axis=1),
            h.make_node("ReduceSum", ["present"], ["total"], keepdims=0),
        ],
        [info("past", T.FLOAT, [1, "past"]), info("x", T.FLOAT, [1, "new"])],
        [info("present", T.FLOAT, [1, "all"]), info("total", T.FLOAT, [])],
    )


def endless():
    """As many steps as it is told, for being stopped in the middle."""
    weights = numpy_helper.from_array((RNG.standard_normal((16, 16)) / 4).astype(np.float32), "w")
    body = h.make_graph(
        [h.make_node("MatMul", ["carry", "w"], ["moved"]), h.make_node("Tanh", ["moved"], ["next"]),
         h.make_node("Identity", ["go"], ["go_on"])],
        "body",
        [info("step", T.INT64, []), info("go", T.BOOL, []), info("carry", T.FLOAT, [16, 16])],
        [info("go_on", T.BOOL, []), info("next", T.FLOAT, [16, 16])],
    )
    return save(
        "endless",
        [h.make_node("Loop", ["steps", "", "x"], ["y"], body=body)],
        [info("steps", T.INT64, []), info("x", T.FLOAT, [16, 16])],
        [info("y", T.FLOAT, [16, 16])],
        [weights],
    )


def old():
    """Format version 3, where constants are listed among the inputs."""
    weights = numpy_helper.from_array(np.array([[2.0, 0.0], [0.0, 3.0]], np.float32), "w")
    return save(
        "old",
        [h.make_node("MatMul", ["x", "w"], ["y"])],
        [info("w", T.FLOAT, [2, 2]), info("x", T.FLOAT, ["n", 2])],
        [info("y", T.FLOAT, ["n", 2])],
        [weights],
        ir_version=3,
        opset=8,
    )


def external(name, location, data):
    """Weights in another file, at `location`."""
    weights = T(name="w", data_type=T.FLOAT, dims=[8, 8], data_location=T.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", str(len(data)))):
        weights.external_data.add(key=key, value=value)
    graph = h.make_graph(
        [h.make_node("MatMul", ["x", "w"], ["y"])], name,
        [info("x", T.FLOAT, ["n", 8])], [info("y", T.FLOAT, ["n", 8])], [weights],
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    path = OUT / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def listed(array):
    return {"shape": list(array.shape), "dtype": str(array.dtype), "data": array.astype(float).ravel().tolist()}


def digest(entries):
    total = hashlib.sha256()
    for name, data in sorted(entries.items(), key=lambda entry: entry[0].encode()):
        total.update(struct.pack("<Q", len(name.encode())) + name.encode())
        total.update(struct.pack("<Q", len(data)) + hashlib.sha256(data).digest())
    return total.hexdigest()


def main():
    OUT.mkdir(exist_ok=True)
    data = RNG.standard_normal((8, 8)).astype(np.float32).tobytes()
    (OUT / "external.onnx_data").write_bytes(data)
    external("escape", "../secret.onnx_data", data)
    external("absolute", "/etc/hostname.onnx_data", data)
    feeds = {
        dtypes(): [{
            "ids": np.array([[1, 2, 3], [2**31 - 2, -5, 0]], np.int64),
            "flags": np.array([True, False, True]),
            "x": RNG.standard_normal((2, 3)).astype(np.float32),
            "small": np.array([7, -8], np.int32),
        }],
        halves(): [{"x": RNG.standard_normal((3, 4)).astype(np.float16)}],
        state(): [
            {"past": np.zeros((1, 0), np.float32), "x": np.array([[1.5, 2.5]], np.float32)},
            {"past": np.array([[1.0, 2.0]], np.float32), "x": np.array([[3.0]], np.float32)},
        ],
        endless(): [{"steps": np.array(3, np.int64), "x": RNG.standard_normal((16, 16)).astype(np.float32)}],
        old(): [{"x": np.array([[1.0, 1.0]], np.float32)}],
        external("external", "external.onnx_data", data): [{"x": RNG.standard_normal((2, 8)).astype(np.float32)}],
    }
    golden = {}
    for path, cases in feeds.items():
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        golden[path.stem] = [
            {
                "inputs": {name: listed(value) for name, value in case.items()},
                "outputs": {name: listed(np.asarray(value)) for name, value in zip(names, session.run(names, case))},
            }
            for case in cases
        ]
    (HERE / "graphs.json").write_text(json.dumps(golden))
    config = b'{"model_type": "digest-example"}'
    entries = {
        "graph": (OUT / "external.onnx").read_bytes(),
        "external/external.onnx_data": (OUT / "external.onnx_data").read_bytes(),
        "config.json": config,
    }
    (HERE / "digest.json").write_text(json.dumps({"config": config.decode(), "digest": digest(entries)}))


if __name__ == "__main__":
    main()
