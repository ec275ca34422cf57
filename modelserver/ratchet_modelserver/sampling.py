"""Turning logits into tokens, one vectorised call per step for rows with different settings.

Each row draws its own uniform number from (seed, step) by a counter-based generator, and picks its
token by inverse CDF. What a row draws therefore does not depend on what shares its batch. (The
logits themselves can differ in the last bits between batch shapes, so once in very many tokens a
draw that falls on the edge between two tokens goes the other way.)
"""

from __future__ import annotations

import numpy as np
import torch

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


def uniforms(seeds: np.ndarray, first_step: int, steps: int) -> np.ndarray:
    """float32 [rows, steps] in [0, 1), 24 bits each (exact in float32)."""
    counter = np.arange(first_step + 1, first_step + steps + 1, dtype=np.uint64) * GOLDEN
    bits = mix(seeds[:, None] + counter[None, :])
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

    def __call__(self, logits: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
        """logits float32 [rows, vocabulary], uniform float32 [rows] -> token ids int64 [rows]."""
        if self.all_greedy:
            return logits.argmax(-1)
        scaled = logits / self.divisor
        probs = scaled.softmax(-1)
        tokens = pick(probs, uniform)
        if self.filtered is not None:
            rows = self.filtered
            ordered, ids = probs[rows].sort(dim=-1, descending=True)
            kept = (ordered.cumsum(-1) - ordered) < self.top_p[rows]
            rank = torch.arange(ordered.shape[-1], device=self.device)
            top_k = self.top_k[rows]
            kept &= (top_k <= 0) | (rank < top_k)
            kept[:, 0] = True
            chosen = pick(ordered * kept, uniform[rows])
            tokens[rows] = ids.gather(1, chosen[:, None])[:, 0]
        if self.any_greedy:
            tokens = torch.where(self.greedy, logits.argmax(-1), tokens)
        return tokens


def pick(weights: torch.Tensor, uniform: torch.Tensor) -> torch.Tensor:
    """Inverse CDF: the first index whose running sum exceeds uniform * total. [rows, V], [rows]
    -> [rows]."""
    running = weights.cumsum(-1)
    target = uniform[:, None] * running[:, -1:]
    # Rounding can lift the target to the total itself, past the last index.
    return torch.searchsorted(running, target, right=True)[:, 0].clamp_max(weights.shape[-1] - 1)
