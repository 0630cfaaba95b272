"""What each variant is made of, and the run over all of them.

`large` sees everything and starts from the teacher's word vectors. `medium` is
narrower, has a smaller vocabulary and no teacher. `small` is narrower still and
sees only a part of the grammar's lines and of the hand-written ones.
"""

import dataclasses
import pathlib
import random
import time

import numpy as np

import corpora
import fit
import generate
import student
import teacher
import train
import vocabulary

WRITTEN = ["lines.txt", "idioms.txt", "trades.txt", "basics.txt"]


@dataclasses.dataclass
class Variant:
    """Sizes and diet of one variant; counts are lines per epoch."""

    name: str
    vocab: int
    width: int
    blocks: int
    hidden: int
    epochs: int
    grammar: int
    written: int
    outside: int
    share: float = 1.0
    taught: bool = False
    dropout: float = 0.2
    rate: float = 2e-3


VARIANTS = [
    Variant("large", 9000, 96, 3, 96, 7, 8000, 3, 6000, taught=True, dropout=0.25),
    Variant("medium", 5000, 32, 2, 32, 5, 5000, 1, 1500, share=0.6, dropout=0.1, rate=4e-3),
    Variant("small", 2500, 16, 1, 16, 5, 3000, 1, 0, share=0.25, dropout=0.05, rate=8e-3),
]


def hand_written(seed, held_share=0.08):
    """(kept, held back) of the hand-written training lines."""
    rows = [row for name in WRITTEN for row in generate.written(generate.DATA / name)]
    return corpora.split(sorted(set(rows)), held_share, seed)


def augmented(rows, rng):
    """Hand-written lines, some joined in pairs, some with typing slips."""
    by_kind = {}
    for row in rows:
        by_kind.setdefault((row[1], row[2]), []).append(row)
    out = []
    for text, label, lang in rows:
        roll = rng.random()
        if roll < 0.3:
            other = rng.choice(by_kind[(label, lang)])[0]
            text = text + (" " if lang == "en" else "") + other
        elif roll < 0.45 and label != generate.NEUTRAL:
            fact = rng.choice(by_kind[(generate.NEUTRAL, lang)])[0]
            if "?" not in fact and "\uff1f" not in fact:
                pair = [text, fact]
                rng.shuffle(pair)
                text = (" " if lang == "en" else "").join(pair)
        if lang == "en" and rng.random() < 0.15:
            text = generate.slips(text, rng)
        if rng.random() < 0.2:
            text = text.rstrip(".。!!")
        if rng.random() < 0.2:
            text = text.lower()
        out.append((text, label, 1.5))
    return out


def diet(variant, written, outside, seed):
    """One list of (text, target, weight) per epoch."""
    rng = random.Random(seed)
    kept = rng.sample(written, int(len(written) * variant.share))
    made = generate.lines(int(variant.grammar * variant.epochs * variant.share), seed)
    epochs = []
    for _ in range(variant.epochs):
        rows = [(t, y, 1.0) for t, y in rng.sample(made, min(len(made), variant.grammar))]
        for _ in range(variant.written):
            rows += augmented(kept, rng)
        rows += rng.sample(outside, min(len(outside), variant.outside))
        epochs.append(rows)
    return epochs


def word_vectors(tokenizer, encoder, guess, width, scores):
    """A start for the embedding table: the teacher's vectors of single words, its opinion of them, and the lexicon's."""
    pieces = [tokenizer.id_to_token(i) for i in range(tokenizer.get_vocab_size())]
    words = [p.removeprefix("##") for p in pieces]
    vectors = encoder.vectors(words, "words")
    centred = vectors - vectors.mean(0)
    _, _, axes = np.linalg.svd(centred[len(vocabulary.SPECIALS) :], full_matrices=False)
    extra = 4
    flat = centred @ axes[: width - extra].T
    flat = flat / flat.std(0).clip(1e-6) * np.linspace(1.4, 0.6, width - extra)
    opinion = np.log(guess(vectors).clip(1e-3))
    opinion = (opinion - opinion.mean(0)) / opinion.std(0).clip(1e-6)
    lexicon = np.array([[scores.get(w, 0.0)] for w in words])
    table = 0.3 * np.concatenate([flat, 1.5 * opinion, lexicon], axis=1)
    table[: len(vocabulary.SPECIALS)] = 0.0
    # Pieces that continue a word mean less than whole words.
    table[[p.startswith("##") for p in pieces]] *= 0.6
    return table.astype(np.float32)


def lexicon_scores():
    """{word: mean human score in -4..4} of the VADER lexicon."""
    import importlib.util

    path = pathlib.Path(importlib.util.find_spec("vaderSentiment").origin).parent / "vader_lexicon.txt"
    out = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        fields = line.split("\t")
        if len(fields) >= 2:
            out[fields[0].replace("'", "")] = float(fields[1])
    return out


def run(options, seed, started):
    import torch

    torch.set_num_threads(options.threads)
    outside = train.Corpora(options.cache)
    written, held = hand_written(seed)
    written, dropped = train.without_test_lines(written)
    print(f"{len(written)} hand-written lines, {len(held)} held back, {dropped} dropped as too close to a test line")
    encoder = teacher.Encoder(options.cache, options.threads)
    rows_en, rows_zh, guess = train.teach(encoder, outside, written)
    taught, dropped = train.without_test_lines(rows_en + rows_zh)
    plain = [(t, c, 0.5) for t, c in corpora.classes(outside.english)] + [(t, c, 0.4) for t, c in outside.chinese]
    held_vectors = encoder.vectors([r[0] for r in held], "held")
    share = (guess(held_vectors).argmax(1) == [r[1] for r in held]).mean()
    print(f"teacher: {share * 100:.1f} % of the held-back hand-written lines; {time.time() - started:.0f} s so far")
    scores = lexicon_scores()
    for number, variant in enumerate(VARIANTS):
        if variant.name not in options.only.split(","):
            continue
        at = time.time()
        epochs = diet(variant, written, taught if variant.taught else plain, seed + number)
        texts = [r[0] for rows in epochs for r in rows]
        if variant.taught:
            texts += [t for t, _ in outside.english + outside.chinese]
        tokenizer = vocabulary.build(texts, variant.vocab)
        size = tokenizer.get_vocab_size()
        start = word_vectors(tokenizer, encoder, guess, variant.width, scores) if variant.taught else None
        shape = student.Shape(size, variant.width, variant.blocks, 3, variant.hidden, variant.dropout)
        print(f"{variant.name}: {size} pieces")
        model = fit.train(shape, tokenizer, epochs, seed + number, rate=variant.rate, start=start)
        fit.files(model, tokenizer, options.out / variant.name, variant.name)
        report(variant.name, model, tokenizer, held, outside.held)
        print(f"{variant.name}: {time.time() - at:.0f} s")


def report(name, model, tokenizer, held, corpus_held):
    """Accuracy on what was held back of the training sources."""
    answers = fit.predict(model, tokenizer, [r[0] for r in held]).argmax(1)
    for lang in ("en", "zh"):
        right = [a == r[1] for a, r in zip(answers, held) if r[2] == lang]
        print(f"  held-back hand-written {lang}: {np.mean(right) * 100:.1f} % of {len(right)}")
    for part, rows in corpus_held.items():
        logits = fit.predict(model, tokenizer, [r[0] for r in rows])
        truth = np.array([r[1] for r in rows])
        if (truth == 1).any():
            print(f"  held-back {part}: {np.mean(logits.argmax(1) == truth) * 100:.1f} % of {len(rows)} (three classes)")
        polar = truth != 1
        right = (logits[polar, 2] > logits[polar, 0]) == (truth[polar] == 2)
        print(f"  held-back {part}: {np.mean(right) * 100:.1f} % of {polar.sum()} (negative against positive)")
