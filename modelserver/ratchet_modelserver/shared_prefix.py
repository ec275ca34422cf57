"""A prefix that all examples of a batch begin with, read once in training too.

Worked examples and a system prompt stand before every question: of 210 tokens 160 are the same in
all examples. Their keys and values are formed once per pass and repeated for each example; the
gradient of every example flows back through them, so the sums are those of the plain pass.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from transformers import DynamicCache

from .dataset import Example
from .prefix import LEAST


def length(batch: list[Example]) -> int:
    """How many tokens all examples begin with of which none is learnt, nor the next; 0 where that
    are fewer than `LEAST` or there is nobody to share with."""
    if len(batch) < 2:
        return 0
    first = batch[0].tokens
    same = min(int(example.trained.argmax()) for example in batch) - 1
    for example in batch[1:]:
        if same < LEAST:
            return 0
        differs = np.nonzero(example.tokens[:same] != first[:same])[0]
        same = int(differs[0]) if len(differs) else same
    return same if same >= LEAST else 0


def states(decoder: nn.Module, ids: torch.Tensor, prefix: int) -> torch.Tensor:
    """ids: int64 [batch, length], the first `prefix` of which are equal in all rows -> the
    decoder's last states behind them, [batch, length - prefix, width]."""
    if prefix == 0:
        return decoder(input_ids=ids, use_cache=False).last_hidden_state
    cache = DynamicCache()
    decoder(input_ids=ids[:1, :prefix], use_cache=True, past_key_values=cache)
    cache.batch_repeat_interleave(len(ids))
    behind = decoder(input_ids=ids[:, prefix:], use_cache=True, past_key_values=cache)
    return behind.last_hidden_state


@torch.no_grad()
def applies(decoder: nn.Module, ids: torch.Tensor) -> bool:
    """Whether the model reads on behind kept keys and values as if it read all at once: some
    layers keep a state of another kind. ids: int64 [1, length]."""
    kinds = getattr(decoder.config, "layer_types", None) or []
    if any(kind != "full_attention" for kind in kinds):
        return False
    pair = ids.repeat(2, 1)
    prefix = ids.shape[1] // 2
    if prefix == 0:
        return False
    try:
        ours = states(decoder, pair, prefix).float()
    except (TypeError, ValueError, AttributeError, NotImplementedError):
        return False
    whole = decoder(input_ids=pair, use_cache=False).last_hidden_state[:, prefix:].float()
    near = 0.05 if decoder.dtype != torch.float32 else 1e-3
    return ours.shape == whole.shape and bool((ours - whole).norm() <= near * whole.norm())
