"""Turning logits into tokens, one vectorised call per step for rows with different settings.

Each row draws its own uniform number from (seed, step) by a counter-based generator, and picks its
token by inverse CDF. What a row draws therefore does not depend on what shares its batch. (The
logits themselves can differ in the last bits between batch shapes, so once in very many tokens a
draw that falls on the edge between two tokens goes the other way.)
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn.functional import pad

FEW = 256
"""Likeliest tokens among which top_p and top_k are looked for first."""
SPAN = 128
"""Tokens of a large vocabulary that are drawn from together."""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014), elementwise over uint64."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def derive_seeds(seed: int, n: int) -> np.ndarray:
    """uint64 [n]: one independent stream per choice of a request."""
    index = np.arange(1, n + 1, dtype=np.uint64)
    return mix(mix(np.array([seed & (2**64 - 1)], dtype=np.uint64)) + index * GOLDEN)


def uniforms(seeds: np.ndarray, first_steps: np.ndarray, steps: int) -> np.ndarray:
    """float32 [rows, steps] in [0, 1), 24 bits each (exact in float32). first_steps: int64 [rows],
    the tokens that each row has made before."""
    counter = first_steps[:, None] + np.arange(1, steps + 1)
    bits = mix(seeds[:, None] + counter.astype(np.uint64) * GOLDEN)
    return ((bits >> np.uint64(40)).astype(np.float32)) * np.float32(2.0**-24)


class Sampler:
    """Settings of the rows of one batch, as tensors on the model's device."""

    def __init__(self, temperature, top_p, top_k, device: torch.device):
        """temperature, top_p, top_k: float/float/int sequences [rows]; top_k 0 or -1 means no
        limit."""
        self.device = device
        self.temperature = torch.tensor(temperature, dtype=torch.float32, device=device)[:, None]
        self.top_p = torch.tensor(top_p, dtype=torch.float32, device=device)[:, None]
        self.top_k = torch.tensor(top_k, dtype=torch.int64, device=device)[:, None]
        self.refresh()

    def refresh(self) -> None:
        greedy = self.temperature[:, 0] <= 0
        self.greedy = greedy
        self.all_greedy, self.any_greedy = bool(greedy.all()), bool(greedy.any())
        self.divisor = self.temperature.clamp_min(1e-4)
        filtered = ((self.top_p < 1) | (self.top_k > 0))[:, 0] & ~greedy
        self.filtered = filtered.nonzero()[:, 0] if bool(filtered.any()) else None

    def select(self, index: torch.Tensor) -> None:
        """Keep the rows `index` of the batch."""
        self.temperature = self.temperature[index]
        self.top_p = self.top_p[index]
        self.top_k = self.top_k[index]
        self.refresh()

    def join(self, other: Sampler) -> None:
        """Take on the rows of another batch, below these."""
        for name in ("temperature", "top_p", "top_k"):
            setattr(self, name, torch.cat((getattr(self, name), getattr(other, name))))
        self.refresh()

    def __call__(self, logits: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        """logits float32 [rows, vocabulary], uniform float32 [rows] -> token ids int64 [rows]."""
        if self.all_greedy:
            return logits.argmax(-1)
        scaled = logits / self.divisor
        probs = scaled.softmax(-1)
        tokens = pick(probs, uniform)
        if self.filtered is not None:
            tokens[self.filtered] = self.from_the_top(probs, uniform)
        if self.any_greedy:
            tokens = torch.where(self.greedy, logits.argmax(-1), tokens)
        return tokens


    def from_the_top(self, probs: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        """Tokens of the rows that top_p or top_k limit, int64."""
        rows = self.filtered
        probs, uniform, top_p = probs[rows], uniform[rows], self.top_p[rows]
        top_k = torch.where(self.top_k[rows] > 0, self.top_k[rows], probs.shape[-1])
        # The likeliest few hold the nucleus, nearly always; to sort 150,000 for it takes longer
        # than a small model's forward pass.
        width = min(FEW, probs.shape[-1])
        ordered, ids = probs.topk(width, dim=-1)
        if not bool(((ordered.sum(-1, keepdim=True) >= top_p) | (top_k <= width)).all()):
            width = probs.shape[-1]
            ordered, ids = probs.sort(dim=-1, descending=True)
        kept = (ordered.cumsum(-1) - ordered) < top_p
        kept &= torch.arange(width, device=self.device) < top_k
        kept[:, 0] = True
        chosen = pick(ordered * kept, uniform)
        return ids.gather(1, chosen[:, None])[:, 0]


def pick(weights: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Inverse CDF: the first index whose running sum exceeds uniform * total. [rows, V], [rows]
    -> [rows]."""
    rows, width = weights.shape
    if width > 2 * SPAN:
        # Over spans first, then inside the one that was hit: a running sum over all of a large
        # vocabulary costs as much as the rest of sampling.
        spans = (pad(weights, (0, -width % SPAN)) if width % SPAN else weights).view(rows, -1, SPAN)
        running = spans.sum(-1).cumsum(-1)
        target = uniform[:, None] * running[:, -1:]
        hit = torch.searchsorted(running, target, right=True).clamp_max(running.shape[-1] - 1)
        before = running.gather(1, (hit - 1).clamp_min(0)) * (hit > 0)
        inside = spans.gather(1, hit[:, :, None].expand(-1, 1, SPAN))[:, 0].cumsum(-1)
        found = torch.searchsorted(inside, target - before, right=True)
        # Rounding can lift the target past the span's last likely token.
        last = torch.searchsorted(inside, inside[:, -1:].contiguous())
        return (hit * SPAN + torch.minimum(found, last))[:, 0]
    running = weights.cumsum(-1)
    target = uniform[:, None] * running[:, -1:]
    # Rounding can lift the target to the total itself, past the last index.
    return torch.searchsorted(running, target, right=True)[:, 0].clamp_max(weights.shape[-1] - 1)
