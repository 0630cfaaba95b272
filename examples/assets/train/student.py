"""The classifier: embeddings, gated convolutions, three poolings, a small head.

Everything that looks at neighbours is masked first, so padding acts exactly like
the zero border of the convolution and never reaches the pools.
"""

import dataclasses

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Shape:
    """Sizes of one variant."""

    vocab: int
    width: int
    blocks: int
    kernel: int
    hidden: int
    dropout: float = 0.2


class Block(nn.Module):
    """LayerNorm, mask, gated convolution, residual."""

    def __init__(self, width, kernel, dilation, dropout):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.conv = nn.Conv1d(width, 2 * width, kernel, padding=dilation * (kernel // 2), dilation=dilation)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, mask):
        y = (self.norm(x) * mask).transpose(1, 2)
        value, gate = self.conv(y).chunk(2, dim=1)
        return x + self.drop((value * torch.sigmoid(gate)).transpose(1, 2))


class Student(nn.Module):
    """Token ids and mask to three logits."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embed = nn.Embedding(shape.vocab, shape.width)
        nn.init.normal_(self.embed.weight, std=0.3)
        self.blocks = nn.ModuleList(
            Block(shape.width, shape.kernel, 1 if i < 2 else 2, shape.dropout) for i in range(shape.blocks)
        )
        self.norm = nn.LayerNorm(shape.width)
        self.score = nn.Linear(shape.width, 1)
        self.hidden = nn.Linear(3 * shape.width, shape.hidden)
        self.out = nn.Linear(shape.hidden, 3)
        self.drop = nn.Dropout(shape.dropout)

    def forward(self, ids, mask):
        m = mask.unsqueeze(-1)
        x = self.embed(ids)
        if self.training:
            # Whole-word dropout: the sentence must be readable from what is left.
            x = x * (torch.rand(ids.shape, device=ids.device) > 0.08).unsqueeze(-1)
        x = self.drop(x)
        for block in self.blocks:
            x = block(x, m)
        x = self.norm(x)
        far = (1.0 - m) * -10000.0
        mean = (x * m).sum(1) / m.sum(1)
        peak = (x + far).amax(1)
        weight = torch.softmax(self.score(x) + far, dim=1)
        picked = (x * weight).sum(1)
        pooled = torch.cat([mean, peak, picked], dim=1)
        return self.out(self.drop(functional.relu(self.hidden(self.drop(pooled)))))
