"""The training loop of one student: AdamW, one-cycle rate, averaged weights, length buckets."""

import random

import numpy as np
import torch
from torch.nn import functional

import export
import vocabulary
from student import Student


def encode(tokenizer, texts):
    return [e.ids for e in tokenizer.encode_batch(list(texts))]


def pad(rows):
    """(ids, float mask) of equal length."""
    longest = max(len(r) for r in rows)
    ids = np.zeros((len(rows), longest), np.int64)
    mask = np.zeros((len(rows), longest), np.float32)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
        mask[i, : len(row)] = 1.0
    return torch.from_numpy(ids), torch.from_numpy(mask)


def batches(lengths, size, rng):
    """Index batches of similar length in random order."""
    order = sorted(range(len(lengths)), key=lambda i: lengths[i] + rng.random() * 4)
    groups = [order[i : i + size] for i in range(0, len(order), size)]
    rng.shuffle(groups)
    return groups


def train(shape, tokenizer, epochs_of_rows, seed, rate=2e-3, batch=64, start=None, smoothing=0.03, log=print):
    """Trains on `epochs_of_rows`: one list of (text, class or soft triple, weight) per epoch."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    model = Student(shape)
    if start is not None:
        with torch.no_grad():
            model.embed.weight.copy_(torch.from_numpy(start))
    total = sum((len(rows) + batch - 1) // batch for rows in epochs_of_rows)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=total + 1, pct_start=0.1)
    average, step = None, 0
    for epoch, rows in enumerate(epochs_of_rows):
        ids = encode(tokenizer, [r[0] for r in rows])
        targets = torch.tensor([soft(r[1], smoothing) for r in rows], dtype=torch.float32)
        weights = torch.tensor([r[2] for r in rows], dtype=torch.float32)
        model.train()
        seen, loss_sum = 0, 0.0
        for group in batches([len(r) for r in ids], batch, rng):
            x, mask = pad([ids[i] for i in group])
            logits = model(x, mask)
            loss = -(targets[group] * functional.log_softmax(logits, 1)).sum(1)
            loss = (loss * weights[group]).sum() / weights[group].sum()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            seen, loss_sum = seen + len(group), loss_sum + loss.item() * len(group)
            if step > total * 0.6:
                average = running(average, model)
        log(f"  epoch {epoch + 1}/{len(epochs_of_rows)}: {len(rows)} lines, loss {loss_sum / seen:.3f}")
    model.load_state_dict(average)
    model.eval()
    export.fake_quantize(model)
    return model


def running(average, model, keep=0.995):
    """Exponential average of the weights."""
    state = model.state_dict()
    if average is None:
        return {k: v.clone() for k, v in state.items()}
    for key, value in state.items():
        average[key].mul_(keep).add_(value, alpha=1 - keep)
    return average


def soft(label, smoothing):
    """A target distribution."""
    if not isinstance(label, int):
        return list(label)
    out = [smoothing / 2] * 3
    out[label] = 1.0 - smoothing
    return out


@torch.no_grad()
def predict(model, tokenizer, texts):
    """Logits of `texts` from the torch model."""
    ids = encode(tokenizer, texts)
    out = np.zeros((len(ids), 3), np.float32)
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
    for at in range(0, len(order), 256):
        group = order[at : at + 256]
        x, mask = pad([ids[i] for i in group])
        out[group] = model(x, mask).numpy()
    return out


def files(model, tokenizer, folder, name):
    """Writes the model folder."""
    import json

    import onnx

    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(export.graph(model, f"feedback-{name}"), folder / "model.onnx")
    vocabulary.save(tokenizer, folder / "tokenizer.json")
    labels = ["negative", "neutral", "positive"]
    shape = model.shape
    config = {
        "architectures": ["GatedConvForSequenceClassification"],
        "model_type": "gated-conv-classifier",
        "problem_type": "single_label_classification",
        "num_labels": 3,
        "id2label": {str(i): label for i, label in enumerate(labels)},
        "label2id": {label: i for i, label in enumerate(labels)},
        "vocab_size": shape.vocab,
        "hidden_size": shape.width,
        "num_hidden_layers": shape.blocks,
        "max_position_embeddings": vocabulary.MAX_TOKENS,
        "pad_token_id": 0,
    }
    tokenizer_config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": vocabulary.MAX_TOKENS,
        "do_lower_case": True,
        "pad_token": vocabulary.PAD,
        "unk_token": vocabulary.UNK,
        "cls_token": vocabulary.CLS,
        "sep_token": vocabulary.SEP,
        "padding_side": "right",
        "truncation_side": "right",
        "clean_up_tokenization_spaces": False,
    }
    for file, value in (("config.json", config), ("tokenizer_config.json", tokenizer_config)):
        (folder / file).write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
