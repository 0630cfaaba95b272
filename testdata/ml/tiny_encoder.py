"""Writes `tiny-embed/`, a sentence-transformers folder, and `tiny-ner/`, a token classifier, with what Python makes of
them (`tiny-encoder.json`). The weights are random: the pipelines around them are what is tested.

    pip install tokenizers==0.23.2 onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6
    python tiny_encoder.py
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

HERE = pathlib.Path(__file__).parent
WORDS = "anna lives in new york and works for acme corp bob saw her big dog the a".split()
LETTERS = "abcdefghijklmnopqrstuvwxyz"
VOCAB = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] + WORDS + [f"{c}" for c in LETTERS if c != "a"] + [f"##{c}" for c in LETTERS]
WIDTH = 12
LABELS = ["O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC"]


def tokenizer():
    tok = Tokenizer(models.WordPiece({word: i for i, word in enumerate(VOCAB)}, unk_token="[UNK]"))
    tok.normalizer = normalizers.BertNormalizer(lowercase=True)
    tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tok.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0", pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return tok


TAGS = {"anna": "B-PER", "bob": "B-PER", "new": "B-LOC", "york": "I-LOC", "acme": "B-ORG", "corp": "I-ORG", "dog": "I-PER",
        "z": "B-LOC"} | {f"##{c}": "I-LOC" for c in "urich"}


def encoder(output, width, tags=None):
    """Embeddings mixed with the mean of the text, filling left out, then projected; with tags for words, where given."""
    rng = np.random.default_rng(8)
    weight = lambda *shape: rng.standard_normal(shape).astype(np.float32)
    consts = {"table": weight(len(VOCAB), WIDTH), "types": weight(2, WIDTH), "out": weight(WIDTH, width)}
    nodes = [
        h.make_node("Gather", ["table", "input_ids"], ["word"]),
        h.make_node("Gather", ["types", "token_type_ids"], ["type"]),
        h.make_node("Add", ["word", "type"], ["x"]),
        h.make_node("Cast", ["attention_mask"], ["mask"], to=T.FLOAT),
        h.make_node("Unsqueeze", ["mask", "two"], ["wide"]),
        h.make_node("Mul", ["x", "wide"], ["masked"]),
        h.make_node("ReduceSum", ["masked", "one"], ["sum"], keepdims=1),
        h.make_node("ReduceSum", ["wide", "one"], ["count"], keepdims=1),
        h.make_node("Div", ["sum", "count"], ["mean"]),
        h.make_node("Add", ["x", "mean"], ["mixed"]),
        h.make_node("Tanh", ["mixed"], ["bent"]),
        h.make_node("MatMul", ["bent", "out"], ["projected"]),
        h.make_node("Gather", ["tags", "input_ids"], ["tagged"]),
        h.make_node("Add", ["projected", "tagged"], [output]),
    ]
    consts["tags"] = np.zeros((len(VOCAB), width), np.float32)
    if tags:
        consts["out"] *= 0.3
        for i, word in enumerate(VOCAB):
            consts["tags"][i, LABELS.index(tags.get(word, "O"))] = 6.0
    inits = [numpy_helper.from_array(value, name) for name, value in consts.items()]
    inits += [numpy_helper.from_array(np.array([n], np.int64), name) for name, n in (("one", 1), ("two", 2))]
    info = h.make_tensor_value_info
    inputs = [info(n, T.INT64, ["batch", "tokens"]) for n in ("input_ids", "attention_mask", "token_type_ids")]
    graph = h.make_graph(nodes, "encoder", inputs, [info(output, T.FLOAT, ["batch", "tokens", width])], inits)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def write(folder, name, value):
    path = HERE / folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1) + "\n")


def folder(name, output, width, config, tags=None):
    write(name, "config.json", {"model_type": "tiny-encoder", "pad_token_id": 0, "max_position_embeddings": 32} | config)
    write(name, "tokenizer_config.json", {"pad_token": "[PAD]", "model_max_length": 32})
    tokenizer().save(str(HERE / name / "tokenizer.json"), pretty=False)
    path = HERE / name / "onnx" / "model.onnx"
    path.parent.mkdir(exist_ok=True)
    onnx.save(encoder(output, width, tags), path)
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


def run(session, tok, text):
    encoding = tok.encode(text)
    ids = np.array([encoding.ids], np.int64)
    out = session.run(None, {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)})[0][0]
    return encoding, out.astype(np.float64)


def entities(text, encoding, logits):
    """As the pipeline of transformers groups them with aggregation strategy "simple"."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    scores = powers / powers.sum(-1, keepdims=True)
    groups = []
    last = None
    for (start, end), special, row in zip(encoding.offsets, encoding.special_tokens_mask, scores):
        if special:
            continue
        begin, _, tag = LABELS[row.argmax()].rpartition("-")
        if tag != "O":
            if last == tag and begin != "B":
                groups[-1]["end"] = end
                groups[-1]["scores"].append(row.max())
            else:
                groups.append({"tag": tag, "start": start, "end": end, "scores": [row.max()]})
        last = tag
    return [{"tag": g["tag"], "text": text[g["start"]:g["end"]], "score": float(np.mean(g["scores"]))} for g in groups]


def main():
    tok = tokenizer()
    texts = ["Anna lives in New York", "Bob", "", "the big dog saw a cat", "Acme Corp works for Bob and Anna in Zürich!"]
    embed = folder("tiny-embed", "last_hidden_state", 8, {"hidden_size": 8})
    write("tiny-embed", "1_Pooling/config.json", {
        "word_embedding_dimension": 8, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True})
    write("tiny-embed", "modules.json", [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
        {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}])
    unit = lambda v: v / np.linalg.norm(v)
    golden = {"embed": [], "ner": []}
    for text in texts:
        _, out = run(embed, tok, text)
        golden["embed"].append({"text": text, "mean": unit(out.mean(0)).tolist(), "cls": out[0].tolist(),
                                "last": out[-1].tolist(), "max": out.max(0).tolist()})
    ner = folder("tiny-ner", "logits", len(LABELS), {"id2label": {str(i): label for i, label in enumerate(LABELS)}}, TAGS)
    for text in texts:
        encoding, out = run(ner, tok, text)
        golden["ner"].append({"text": text, "offsets": encoding.offsets, "special": encoding.special_tokens_mask,
                              "entities": entities(text, encoding, out), "labels": [LABELS[i] for i in out.argmax(-1)], "logits": out.tolist()})
    (HERE / "tiny-encoder.json").write_text(json.dumps(golden))


if __name__ == "__main__":
    main()
