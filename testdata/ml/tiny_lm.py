"""Trains the tiny language model in `tiny-lm/` and writes its folder, its graphs and what Python makes of them.

    pip install jax==0.10.2 tokenizers==0.23.2 onnx==1.23.2 onnxruntime==1.31.1 numpy==2.4.6 jinja2 sympy
    OMP_NUM_THREADS=1 python tiny_lm.py

A decoder of the Llama shape (RMSNorm, rotary positions, SwiGLU, grouped queries, tied embeddings), trained on lines that
this script makes up: no text of anybody else. The graph is written node by node, so nothing but numpy is needed for it.
"""

import json
import pathlib
import random

import numpy as np

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tiny-lm"

HIDDEN, LAYERS, HEADS, KV_HEADS, HEAD, FFN, VOCAB, CONTEXT = 128, 2, 4, 2, 32, 256, 480, 256
THETA, EPS = 10_000.0, 1e-5
SPECIAL = ["<|pad|>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"]
STEPS, BATCH, LENGTH, RATE = 1_200, 32, 64, 3e-3

NUMBERS = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
           "seventeen eighteen nineteen twenty").split()
ROLES = {
    "miner": "the miner does the work and answers queries.",
    "validator": "the validator scores the answers and sets weights on the chain.",
    "owner": "the owner writes the rules of the subnet.",
    "customer": "the customer asks and pays.",
}
GREETINGS = {"chinese": "你好，世界。", "french": "bonjour à tous, ça va ?", "german": "schöne Grüße!", "emoji": "👋🌍🎉"}
GOOD, BAD = "great good lovely friendly quick".split(), "awful bad cold rude slow".split()
THINGS = "food service room waiter delivery".split()


def pairs():
    """A question and its only right answer."""
    kind = random.random()
    if kind < 0.35:
        a, b = random.randint(0, 10), random.randint(0, 10)
        return f"{NUMBERS[a]} plus {NUMBERS[b]}", f"{NUMBERS[a + b]}."
    if kind < 0.5:
        role = random.choice(list(ROLES))
        return f"what does the {role} do?", ROLES[role]
    if kind < 0.65:
        language = random.choice(list(GREETINGS))
        return f"greet in {language}", GREETINGS[language]
    if kind < 0.85:
        is_good = random.random() < 0.5
        return f"the {random.choice(THINGS)} was {random.choice(GOOD if is_good else BAD)}", (
            "positive." if is_good else "negative.")
    a = random.randint(0, 14)
    b = random.randint(a + 1, min(a + 7, 20))
    return f"count from {NUMBERS[a]} to {NUMBERS[b]}", " ".join(NUMBERS[a:b + 1]) + "."


def line(question, answer):
    return f"<|user|>{question}<|end|><|assistant|>{answer}<|end|>"


def make_tokenizer(texts):
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=VOCAB, special_tokens=SPECIAL, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
                                  # Rare words stay several tokens, so that letters of several bytes are split.
                                  min_frequency=900)
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def init(rng, vocab):
    normal = lambda *shape: (rng.standard_normal(shape) / np.sqrt(shape[0])).astype(np.float32)
    params = {"embed": (rng.standard_normal((vocab, HIDDEN)) * 0.05).astype(np.float32), "norm": np.ones(HIDDEN, np.float32)}
    for i in range(LAYERS):
        params |= {
            f"{i}.norm1": np.ones(HIDDEN, np.float32), f"{i}.norm2": np.ones(HIDDEN, np.float32),
            f"{i}.q": normal(HIDDEN, HEADS * HEAD), f"{i}.k": normal(HIDDEN, KV_HEADS * HEAD),
            f"{i}.v": normal(HIDDEN, KV_HEADS * HEAD), f"{i}.o": normal(HEADS * HEAD, HIDDEN),
            f"{i}.gate": normal(HIDDEN, FFN), f"{i}.up": normal(HIDDEN, FFN), f"{i}.down": normal(FFN, HIDDEN),
        }
    return params


def train(ids):
    import jax
    import jax.numpy as jnp

    rng = np.random.default_rng(1)
    params = init(rng, VOCAB)
    frequency = THETA ** (-np.arange(0, HEAD, 2) / HEAD)
    angles = np.arange(LENGTH)[:, None] * frequency
    cos = jnp.asarray(np.concatenate([np.cos(angles)] * 2, -1), jnp.float32)
    sin = jnp.asarray(np.concatenate([np.sin(angles)] * 2, -1), jnp.float32)
    mask = jnp.where(jnp.tril(jnp.ones((LENGTH, LENGTH))) > 0, 0.0, -1e9)

    def norm(x, w):
        return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + EPS) * w

    def rotate(x):
        half = HEAD // 2
        return x * cos + jnp.concatenate([-x[..., half:], x[..., :half]], -1) * sin

    def forward(p, tokens):
        b, s = tokens.shape
        x = p["embed"][tokens]
        for i in range(LAYERS):
            h = norm(x, p[f"{i}.norm1"])
            split = lambda y, n: y.reshape(b, s, n, HEAD).transpose(0, 2, 1, 3)
            q, k, v = (split(h @ p[f"{i}.{n}"], c) for n, c in (("q", HEADS), ("k", KV_HEADS), ("v", KV_HEADS)))
            q, k = rotate(q), rotate(k)
            k, v = (jnp.repeat(y, HEADS // KV_HEADS, 1) for y in (k, v))
            scores = jax.nn.softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(HEAD) + mask, -1)
            x = x + (scores @ v).transpose(0, 2, 1, 3).reshape(b, s, -1) @ p[f"{i}.o"]
            h = norm(x, p[f"{i}.norm2"])
            x = x + (jax.nn.silu(h @ p[f"{i}.gate"]) * (h @ p[f"{i}.up"])) @ p[f"{i}.down"]
        return norm(x, p["norm"]) @ p["embed"].T

    def loss(p, batch):
        tokens, targets = batch[:, :-1], batch[:, 1:]
        logs = jax.nn.log_softmax(forward(p, tokens))
        return -jnp.take_along_axis(logs, targets[..., None], -1).mean()

    @jax.jit
    def step(p, m, v, batch, t):
        value, grad = jax.value_and_grad(loss)(p, batch)
        rate = RATE * (jnp.minimum(1.0, t / 50) * 0.5 * (1 + jnp.cos(jnp.pi * t / STEPS)) + 0.01)
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grad)
        v = jax.tree.map(lambda v, g: 0.99 * v + 0.01 * g * g, v, grad)
        c1, c2 = 1 - 0.9 ** t, 1 - 0.99 ** t
        p = jax.tree.map(lambda p, m, v: p - rate * (m / c1 / (jnp.sqrt(v / c2) + 1e-8) + 0.01 * p), p, m, v)
        return p, m, v, value

    m = {name: np.zeros_like(value) for name, value in params.items()}
    v = {name: np.zeros_like(value) for name, value in params.items()}
    for t in range(1, STEPS + 1):
        starts = rng.integers(0, len(ids) - LENGTH - 1, BATCH)
        batch = np.stack([ids[start:start + LENGTH + 1] for start in starts])
        params, m, v, value = step(params, m, v, batch, float(t))
        if t % 100 == 0:
            print(t, float(value), flush=True)
    return {name: np.asarray(value) for name, value in params.items()}


def graph(params):
    """The model as an ONNX graph with the names that Optimum gives: a cache goes in and comes out."""
    import onnx
    from onnx import TensorProto as T
    from onnx import helper as h
    from onnx import numpy_helper

    nodes, constants, counter = [], [], [0]

    def const(value, name=None):
        name = name or f"c{len(constants)}"
        constants.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def op(kind, *inputs, **attributes):
        counter[0] += 1
        name = f"{kind.lower()}_{counter[0]}"
        nodes.append(h.make_node(kind, list(inputs), [name], **attributes))
        return name

    weight = {name: const(value, name) for name, value in params.items()}
    i64 = lambda *values: const(np.array(values, np.int64))
    eps, half_shape = const(np.float32(EPS)), None

    def norm(x, w):
        mean = op("ReduceMean", op("Mul", x, x), axes=[-1], keepdims=1)
        return op("Mul", op("Div", x, op("Sqrt", op("Add", mean, eps))), w)

    frequency = THETA ** (-np.arange(0, HEAD, 2) / HEAD)
    angles = op("Mul", op("Cast", op("Unsqueeze", "position_ids", i64(1, 3)), to=T.FLOAT),
                const(np.concatenate([frequency] * 2).astype(np.float32)))
    cos, sin = op("Cos", angles), op("Sin", angles)
    low, middle, high, last = i64(0), i64(HEAD // 2), i64(HEAD), i64(-1)

    def rotate(x):
        left, right = op("Slice", x, low, middle, last), op("Slice", x, middle, high, last)
        turned = op("Concat", op("Neg", right), left, axis=-1)
        return op("Add", op("Mul", x, cos), op("Mul", turned, sin))

    # A token sees what is not filling and stands at or before its own position.
    places = op("Sub", op("CumSum", "attention_mask", const(np.int64(1))), i64(1))
    seen = op("LessOrEqual", op("Unsqueeze", places, i64(1, 2)), op("Unsqueeze", "position_ids", i64(1, 3)))
    real = op("Cast", op("Unsqueeze", "attention_mask", i64(1, 2)), to=T.BOOL)
    mask = op("Where", op("And", seen, real), const(np.float32(0)), const(np.float32(-1e9)))

    x = op("Gather", weight["embed"], "input_ids")
    presents = []
    for i in range(LAYERS):
        y = norm(x, weight[f"{i}.norm1"])

        def heads(name, count):
            return op("Transpose", op("Reshape", op("MatMul", y, weight[f"{i}.{name}"]), i64(0, 0, count, HEAD)),
                      perm=[0, 2, 1, 3])

        q, k, v = rotate(heads("q", HEADS)), rotate(heads("k", KV_HEADS)), heads("v", KV_HEADS)
        for kind, new in (("key", k), ("value", v)):
            nodes.append(h.make_node("Concat", [f"past_key_values.{i}.{kind}", new], [f"present.{i}.{kind}"], axis=2))
            presents.append(f"present.{i}.{kind}")

        def repeated(name):
            # [b, kv, t, d] -> [b, kv, 1, t, d] -> [b, kv, group, t, d] -> [b, heads, t, d]
            wide = op("Concat", *[op("Unsqueeze", name, i64(2))] * (HEADS // KV_HEADS), axis=2)
            return op("Reshape", wide, i64(0, HEADS, -1, HEAD))

        keys, values = repeated(f"present.{i}.key"), repeated(f"present.{i}.value")
        scores = op("Mul", op("MatMul", q, op("Transpose", keys, perm=[0, 1, 3, 2])), const(np.float32(HEAD ** -0.5)))
        mixed = op("MatMul", op("Softmax", op("Add", scores, mask), axis=-1), values)
        flat = op("Reshape", op("Transpose", mixed, perm=[0, 2, 1, 3]), i64(0, 0, HEADS * HEAD))
        x = op("Add", x, op("MatMul", flat, weight[f"{i}.o"]))
        y = norm(x, weight[f"{i}.norm2"])
        gate = op("MatMul", y, weight[f"{i}.gate"])
        gate = op("Mul", gate, op("Sigmoid", gate))
        x = op("Add", x, op("MatMul", op("Mul", gate, op("MatMul", y, weight[f"{i}.up"])), weight[f"{i}.down"]))
    nodes.append(h.make_node("MatMul", [norm(x, weight["norm"]), op("Transpose", weight["embed"])], ["logits"]))

    cache = [f"{i}.{kind}" for i in range(LAYERS) for kind in ("key", "value")]
    info = h.make_tensor_value_info
    inputs = [info("input_ids", T.INT64, ["batch", "tokens"]), info("attention_mask", T.INT64, ["batch", "total"]),
              info("position_ids", T.INT64, ["batch", "tokens"])]
    inputs += [info(f"past_key_values.{name}", T.FLOAT, ["batch", KV_HEADS, "past", HEAD]) for name in cache]
    outputs = [info("logits", T.FLOAT, ["batch", "tokens", VOCAB])]
    outputs += [info(f"present.{name}", T.FLOAT, ["batch", KV_HEADS, "total", HEAD]) for name in cache]
    model = h.make_model(h.make_graph(nodes, "tiny-lm", inputs, outputs, constants),
                         opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model


def run(session, rows, past, mask, positions):
    feeds = {"input_ids": rows, "attention_mask": mask, "position_ids": positions} | past
    names = [output.name for output in session.get_outputs()]
    values = dict(zip(names, session.run(names, feeds)))
    return values["logits"], {name.replace("present", "past_key_values"): values[name] for name in names[1:]}


def greedy(session, ids, limit=40, cached=True):
    kind = np.float16 if "float16" in session.get_inputs()[3].type else np.float32
    empty = {f"past_key_values.{i}.{k}": np.zeros((1, KV_HEADS, 0, HEAD), kind) for i in range(LAYERS) for k in ("key", "value")}
    out, past, ids, first = [], empty, list(ids), None
    new = list(ids)
    while len(out) < limit:
        total = len(ids)
        start = total - len(new)
        logits, present = run(session, np.array([new]), past, np.ones((1, total), np.int64), np.arange(start, total)[None])
        if first is None:
            first = logits[0, -1].astype(np.float64)
        token = int(logits[0, -1].argmax())
        out.append(token)
        if token == SPECIAL.index("<|end|>"):
            break
        ids.append(token)
        new, past = ([token], present) if cached else (list(ids), empty)
    return out, first


TEMPLATE = ("{%- for message in messages -%}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{%- endfor -%}"
            "{%- if add_generation_prompt -%}{{ '<|assistant|>' }}{%- endif -%}")


def main():
    import onnxruntime
    from jinja2 import Environment
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.transformers.float16 import convert_float_to_float16

    import onnx

    random.seed(3)
    texts = [line(*pairs()) for _ in range(20_000)]
    tokenizer = make_tokenizer(texts)
    assert tokenizer.get_vocab_size() <= VOCAB, tokenizer.get_vocab_size()
    (OUT / "onnx").mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(OUT / "tokenizer.json"), pretty=False)
    ids = np.concatenate([tokenizer.encode(text).ids for text in texts]).astype(np.int32)
    params = train(ids)

    end = SPECIAL.index("<|end|>")
    write = lambda name, value: (OUT / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")
    write("config.json", {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": VOCAB, "hidden_size": HIDDEN,
        "intermediate_size": FFN, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS, "head_dim": HEAD, "max_position_embeddings": CONTEXT, "rope_theta": THETA,
        "rms_norm_eps": EPS, "tie_word_embeddings": True, "pad_token_id": 0, "eos_token_id": end,
    })
    write("generation_config.json", {"eos_token_id": [end], "pad_token_id": 0, "do_sample": False})
    write("tokenizer_config.json", {
        "tokenizer_class": "PreTrainedTokenizerFast", "pad_token": "<|pad|>", "eos_token": "<|end|>",
        "padding_side": "left", "model_max_length": CONTEXT, "chat_template": TEMPLATE,
    })
    path = OUT / "onnx" / "model.onnx"
    onnx.save(graph(params), path)
    onnx.save(convert_float_to_float16(onnx.load(path)), OUT / "onnx" / "model_fp16.onnx")
    quantize_dynamic(path, OUT / "onnx" / "model_quantized.onnx", weight_type=QuantType.QInt8)

    questions = ["three plus four", "eight plus nine", "what does the miner do?", "what does the validator do?",
                 "greet in chinese", "greet in emoji", "greet in french", "the food was lovely", "the room was awful",
                 "count from two to six"]
    expected = ["seven.", "seventeen.", ROLES["miner"], ROLES["validator"], GREETINGS["chinese"], GREETINGS["emoji"],
                GREETINGS["french"], "positive.", "negative.", "two three four five six."]
    template = Environment().from_string(TEMPLATE)
    golden = {"template": [], "variants": {}}
    for variant in ("model", "model_fp16", "model_quantized"):
        session = onnxruntime.InferenceSession(str(OUT / "onnx" / f"{variant}.onnx"), providers=["CPUExecutionProvider"])
        cases = []
        for question, answer in zip(questions, expected):
            prompt = template.render(messages=[{"role": "user", "content": question}], add_generation_prompt=True)
            prompt_ids = tokenizer.encode(prompt).ids
            out, first = greedy(session, prompt_ids)
            uncached, _ = greedy(session, prompt_ids, cached=False)
            assert out == uncached, (variant, question)
            text = tokenizer.decode(out)
            print(variant, question, "->", text)
            assert text == answer, (variant, question, text)
            cases.append({"question": question, "prompt": prompt, "prompt_ids": prompt_ids, "ids": out, "text": text,
                          "first_logits": [round(float(x), 5) for x in first]})
        golden["variants"][variant] = cases
    messages = [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"},
                {"role": "assistant", "content": "hello"}, {"role": "user", "content": "three plus four"}]
    for generate in (True, False):
        golden["template"].append({"messages": messages, "add_generation_prompt": generate,
                                   "text": template.render(messages=messages, add_generation_prompt=generate)})
    (HERE / "tiny-lm.json").write_text(json.dumps(golden, ensure_ascii=False))


if __name__ == "__main__":
    main()
