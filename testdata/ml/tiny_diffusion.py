"""Trains and writes `tiny-diffusion/`: a latent-diffusion folder in the layout of diffusers' ONNX pipelines, which paints
circles and squares of four colours on black or white, 64 x 64 pixels. Nothing from elsewhere: pictures and captions are
made here. What Python makes of the folder is written by `tiny_diffusion_golden.py`.

    python3 tiny_diffusion.py        (torch, numpy, onnx, tokenizers)
"""

import json
import math
import pathlib
import warnings

import numpy as np
import onnx
import torch
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import nn

HERE = pathlib.Path(__file__).parent
OUT = HERE / "tiny-diffusion"
TOKENS, TEXT, WIDTH, SIDE, SCALE = 16, 32, 40, 64, 0.18215
COLOURS = {"red": (230, 30, 40), "green": (20, 200, 60), "blue": (40, 60, 240), "yellow": (240, 220, 30)}
SHAPES = ["circle", "square"]
GROUNDS = {"black": (8, 8, 8), "white": (246, 246, 246)}


def caption(colour, shape, ground):
    return f"a {colour} {shape} on {ground}"


CAPTIONS = [caption(c, s, g) for c in COLOURS for s in SHAPES for g in GROUNDS]


def tokenizer():
    """Byte-level BPE as CLIP has it, trained on the captions; written as vocab.json and merges.txt alone."""
    tok = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tok.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"), behavior="removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=640, end_of_word_suffix="</w>", initial_alphabet=letters, show_progress=False)
    tok.train_from_iterator(CAPTIONS, trainer)
    model = json.loads(tok.to_str())["model"]
    # As in CLIP: every byte, every byte that ends a word, then the merges, then the two special tokens.
    merges = [" ".join(pair) for pair in model["merges"]]
    words = letters + [letter + "</w>" for letter in letters] + [merge.replace(" ", "") for merge in merges]
    words = list(dict.fromkeys(words)) + ["<|startoftext|>", "<|endoftext|>"]
    return {word: place for place, word in enumerate(words)}, merges


def reader(vocab, merges):
    tok = Tokenizer(models.BPE(vocab, [tuple(m.split(" ")) for m in merges], end_of_word_suffix="</w>", unk_token="<|endoftext|>"))
    tok.normalizer, tok.pre_tokenizer = normalizers.Lowercase(), pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), tok.pre_tokenizer])
    begin, end = vocab["<|startoftext|>"], vocab["<|endoftext|>"]
    tok.add_special_tokens([AddedToken("<|startoftext|>", special=True), AddedToken("<|endoftext|>", special=True)])

    def read(text):
        ids = [begin] + tok.encode(text).ids[: TOKENS - 2] + [end]
        return ids + [end] * (TOKENS - len(ids))

    return read


def draw(generator, colour, shape, ground):
    """One picture from -1 to 1, and where its shape is."""
    y, x = np.mgrid[0:SIDE, 0:SIDE] + 0.5
    cx, cy = generator.uniform(26, 38, 2)
    radius = generator.uniform(15, 21)
    if shape == "circle":
        inside = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
    else:
        inside = (abs(x - cx) < radius * 0.9) & (abs(y - cy) < radius * 0.9)
    pixels = np.where(inside[..., None], COLOURS[colour], GROUNDS[ground]) / 127.5 - 1
    return pixels.transpose(2, 0, 1).astype(np.float32), inside.astype(np.float32)


def latents(pixels, inside):
    """The encoder: means over 8 x 8 pixels of the colours and of the shape."""
    stack = np.concatenate([pixels, inside[None] * 2 - 1])
    return stack.reshape(4, SIDE // 8, 8, SIDE // 8, 8).mean((2, 4)).astype(np.float32)


class Attention(nn.Module):
    def __init__(self, width, other, heads=2):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v = nn.Linear(width, width), nn.Linear(other, width), nn.Linear(other, width)
        self.out = nn.Linear(width, width)

    def forward(self, x, y):
        rows, length, width = x.shape
        split = lambda t: t.reshape(rows, -1, self.heads, width // self.heads).transpose(1, 2)
        q, k, v = split(self.q(x)), split(self.k(y)), split(self.v(y))
        weights = (q @ k.transpose(2, 3) / math.sqrt(width // self.heads)).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(rows, length, width))


class TextEncoder(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.words, self.places = nn.Embedding(words, TEXT), nn.Parameter(torch.randn(TOKENS, TEXT) * 0.1)
        self.before, self.between, self.after = nn.LayerNorm(TEXT), nn.LayerNorm(TEXT), nn.LayerNorm(TEXT)
        self.attention = Attention(TEXT, TEXT)
        self.inner = nn.Sequential(nn.Linear(TEXT, 64), nn.GELU(), nn.Linear(64, TEXT))

    def forward(self, input_ids):
        x = self.words(input_ids.long()) + self.places
        y = self.before(x)
        x = x + self.attention(y, y)
        x = self.after(x + self.inner(self.between(x)))
        return x, x[:, -1]


class Block(nn.Module):
    def __init__(self, width, out):
        super().__init__()
        self.first, self.second = nn.GroupNorm(4, width), nn.GroupNorm(4, out)
        self.a, self.b = nn.Conv2d(width, out, 3, padding=1), nn.Conv2d(out, out, 3, padding=1)
        self.time, self.skip = nn.Linear(WIDTH, out), nn.Conv2d(width, out, 1)
        self.norm, self.attention = nn.LayerNorm(out), Attention(out, TEXT)

    def forward(self, x, time, text):
        y = self.a(nn.functional.silu(self.first(x))) + self.time(time)[:, :, None, None]
        x = self.skip(x) + self.b(nn.functional.silu(self.second(y)))
        rows, width, height, columns = x.shape
        flat = x.reshape(rows, width, height * columns).transpose(1, 2)
        flat = flat + self.attention(self.norm(flat), text)
        return flat.transpose(1, 2).reshape(rows, width, height, columns)


class Unet(nn.Module):
    def __init__(self):
        super().__init__()
        self.time = nn.Sequential(nn.Linear(32, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU())
        self.enter, self.leave = nn.Conv2d(4, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, 4, 3, padding=1)
        self.down, self.shrink = Block(WIDTH, WIDTH), nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)
        self.middle, self.up = Block(WIDTH, WIDTH), Block(2 * WIDTH, WIDTH)
        self.norm = nn.GroupNorm(4, WIDTH)
        self.register_buffer("powers", torch.exp(-math.log(10000) * torch.arange(16) / 16))

    def forward(self, sample, timestep, encoder_hidden_states):
        angles = timestep.float()[:, None] * self.powers
        time = self.time(torch.cat([angles.sin(), angles.cos()], -1))
        x = self.down(self.enter(sample), time, encoder_hidden_states)
        y = self.middle(self.shrink(x), time, encoder_hidden_states)
        y = nn.functional.interpolate(y, scale_factor=2.0, mode="nearest")
        y = self.up(torch.cat([x, y], 1), time, encoder_hidden_states)
        return self.leave(nn.functional.silu(self.norm(y)))


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.leave = nn.Conv2d(4, 24, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)
        self.steps = nn.ModuleList([nn.Conv2d(24, 16, 3, padding=1), nn.Conv2d(16, 12, 3, padding=1), nn.Conv2d(12, 8, 3, padding=1)])

    def forward(self, latent_sample):
        x = torch.relu(self.enter(latent_sample * SCALE))
        for step in self.steps:
            x = torch.relu(step(nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")))
        return self.leave(x)


def fit(parameters, loss_of, steps, rate):
    optimizer = torch.optim.AdamW(parameters, rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for step in range(steps):
        loss = loss_of()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 200 == 0 or step == steps - 1:
            print(step, round(loss.item(), 4), flush=True)


def train(read):
    torch.manual_seed(5)
    torch.set_num_threads(1)
    generator = np.random.default_rng(5)
    kinds = [(c, s, g) for c in COLOURS for s in SHAPES for g in GROUNDS]
    drawn = [(kind, *draw(generator, *kind)) for kind in kinds for _ in range(160)]
    pixels = torch.tensor(np.stack([p for _, p, _ in drawn]))
    codes = torch.tensor(np.stack([latents(p, i) for _, p, i in drawn]))
    ids = torch.tensor([read(caption(*kind)) for kind, _, _ in drawn])
    nothing = torch.tensor(read(""))

    decoder = Decoder()

    def decoding():
        rows = torch.randint(0, len(drawn), (48,))
        noisy = codes[rows] + 0.03 * torch.randn_like(codes[rows])
        return (decoder(noisy / SCALE) - pixels[rows]).abs().mean()

    fit(decoder.parameters(), decoding, 600, 4e-3)

    text, unet = TextEncoder(int(nothing.max()) + 1), Unet()
    alphas = (1 - torch.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2).cumprod(0)

    def denoising():
        rows = torch.randint(0, len(drawn), (64,))
        steps = torch.randint(0, 1000, (len(rows),))
        words = torch.where(torch.rand(len(rows), 1) < 0.1, nothing, ids[rows])
        noise = torch.randn_like(codes[rows])
        kept = alphas[steps][:, None, None, None]
        guess = unet(kept.sqrt() * codes[rows] + (1 - kept).sqrt() * noise, steps, text(words)[0])
        return ((guess - noise) ** 2).mean()

    fit([*text.parameters(), *unet.parameters()], denoising, 2400, 3e-3)
    return text.eval(), unet.eval(), decoder.eval()


def export(name, module, example, inputs, outputs):
    path = OUT / name / "model.onnx"
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module, example, str(path), dynamo=False, opset_version=17, do_constant_folding=True,
                          input_names=list(inputs), output_names=list(outputs), dynamic_axes={**inputs, **outputs})
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    for node in model.graph.node:
        node.ClearField("doc_string")
    onnx.save(model, path)


def put(name, value):
    path = OUT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value, indent=1) + "\n")


def main():
    vocab, merges = tokenizer()
    text, unet, decoder = train(reader(vocab, merges))
    batch, area = {0: "batch_size"}, {0: "batch_size", 2: "height", 3: "width"}
    with torch.no_grad():
        export("text_encoder", text, (torch.zeros(2, TOKENS, dtype=torch.int32),), {"input_ids": batch},
               {"last_hidden_state": batch, "pooler_output": batch})
        export("unet", unet, (torch.zeros(2, 4, 8, 8), torch.tensor([3]), torch.zeros(2, TOKENS, TEXT)),
               {"sample": area, "timestep": {0: "steps"}, "encoder_hidden_states": {0: "batch_size", 1: "tokens"}},
               {"out_sample": area})
        export("vae_decoder", decoder, (torch.zeros(1, 4, 8, 8),), {"latent_sample": area}, {"sample": area})
    put("tokenizer/vocab.json", json.dumps(vocab, ensure_ascii=False))
    put("tokenizer/merges.txt", "#version: 0.2\n" + "\n".join(merges) + "\n")
    put("tokenizer/tokenizer_config.json", {
        "tokenizer_class": "CLIPTokenizer", "model_max_length": TOKENS, "bos_token": "<|startoftext|>",
        "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"})
    put("text_encoder/config.json", {"model_type": "clip_text_model", "hidden_size": TEXT, "max_position_embeddings": TOKENS})
    put("unet/config.json", {"in_channels": 4, "out_channels": 4, "sample_size": SIDE // 8, "cross_attention_dim": TEXT})
    put("vae_decoder/config.json", {"latent_channels": 4, "scaling_factor": SCALE, "block_out_channels": [8, 12, 16, 24]})
    put("scheduler/scheduler_config.json", {
        "_class_name": "DDIMScheduler", "num_train_timesteps": 1000, "beta_start": 0.00085, "beta_end": 0.012,
        "beta_schedule": "scaled_linear", "clip_sample": False, "set_alpha_to_one": False, "steps_offset": 1,
        "prediction_type": "epsilon", "timestep_spacing": "leading"})
    put("model_index.json", {
        "_class_name": "OnnxStableDiffusionPipeline", "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["diffusers", "OnnxRuntimeModel"], "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "OnnxRuntimeModel"], "vae_decoder": ["diffusers", "OnnxRuntimeModel"]})


if __name__ == "__main__":
    main()
