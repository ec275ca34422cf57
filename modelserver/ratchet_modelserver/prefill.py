"""Reading prompts: a prefix that they share once, equal prompts once, logits of last tokens only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from transformers import DynamicCache

from . import attention, kvcache
from .prefix import LEAST, Prefix, Prefixes

CHUNK = 2048
"""Tokens of a prefix in one forward pass: bounds its memory, however long the prefix is."""


@contextmanager
def seen(
    cache: DynamicCache, prefix: Prefix | None, hidden: torch.Tensor | None = None
) -> Iterator[None]:
    """While it is open, rows of `cache` attend to `prefix` and not to their `hidden` tokens."""
    for layer, pair in zip(cache.layers, prefix.layers if prefix else (), strict=False):
        layer.prefix = pair
    attention.frame.active, attention.frame.hidden = True, hidden
    try:
        yield
    finally:
        attention.frame.active, attention.frame.hidden, attention.frame.layer = False, None, None


@contextmanager
def last_only(module: nn.Module, last: torch.Tensor) -> Iterator[None]:
    """While it is open, the output head sees one position per row, `last` int64 [rows]."""
    rows = torch.arange(last.shape[0], device=last.device)

    def keep(_, inputs):
        return (inputs[0][rows, last][:, None], *inputs[1:])

    head = module.get_output_embeddings()
    handle = head.register_forward_pre_hook(keep) if head is not None else None
    try:
        yield
    finally:
        if handle is not None:
            handle.remove()


def read(
    module: nn.Module,
    cache: DynamicCache,
    tails: list[list[int]],
    prefix: Prefix | None,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
    """Run what follows the prefix of each prompt. (Logits [rows, vocabulary] after it, positions
    int64 [rows, 1] of the next tokens, hidden bool [rows, 1, 1, width] or None)."""
    device = next(module.parameters()).device
    lengths = torch.tensor([len(tail) for tail in tails], device=device)
    width = int(lengths.max())
    ids = np.zeros((len(tails), width), dtype=np.int64)
    for i, tail in enumerate(tails):
        ids[i, : len(tail)] = tail
    start = len(prefix.tokens) if prefix else 0
    columns = torch.arange(width, device=device)
    with seen(cache, prefix), last_only(module, lengths - 1):
        logits = module(
            input_ids=torch.from_numpy(ids).to(device),
            position_ids=(columns + start)[None].expand(len(tails), -1),
            past_key_values=cache,
            use_cache=True,
        ).logits
    if logits.shape[1] > 1:  # the head is not where `last_only` looked for it
        logits = logits[torch.arange(len(tails), device=device), lengths - 1][:, None]
    padded = bool((lengths < width).any())
    hidden = (columns >= lengths[:, None])[:, None, None] if padded else None
    return logits[:, -1], (lengths + start)[:, None], hidden


@torch.inference_mode()
def computed(
    module: nn.Module, fingerprint: str, tokens: list[int], prefixes: Prefixes
) -> Prefix | None:
    """The keys and values of `tokens`, or of the most that is kept of them if the rest is not
    worth a pass of its own."""
    known, entry = prefixes.best(fingerprint, tokens)
    if entry is not None and known >= max(LEAST, len(tokens) - LEAST // 2):
        prefixes.tokens_saved += known
        return entry.cut(known)
    start = known if known >= LEAST else 0
    prefix = extended(module, tokens, entry.cut(start) if start else None)
    prefixes.put(fingerprint, prefix)
    return prefix


def extended(module: nn.Module, tokens: list[int], before: Prefix | None) -> Prefix:
    layers: list[tuple[torch.Tensor, torch.Tensor]] = []
    done = len(before.tokens) if before else 0
    while done < len(tokens):
        end = min(done + CHUNK, len(tokens))
        cache = kvcache.make_cache(module, kvcache.BufferPool(), 0)
        so_far = Prefix(tokens[:done], [(k[:, :, :done], v[:, :, :done]) for k, v in layers])
        read(module, cache, [tokens[done:end]], so_far if layers else before)
        fresh = [(layer.keys, layer.values) for layer in cache.layers]
        if not layers:
            layers = [tuple(blank(t, len(tokens)) for t in pair) for pair in fresh]
            for pair, old in zip(layers, before.layers if before else (), strict=False):
                for whole, part in zip(pair, old, strict=True):
                    whole[:, :, :done] = part
        for pair, new in zip(layers, fresh, strict=True):
            for whole, part in zip(pair, new, strict=True):
                whole[:, :, done:end] = part
        done = end
    return Prefix(tokens, layers)


def blank(like: torch.Tensor, tokens: int) -> torch.Tensor:
    _, heads, _, size = like.shape
    return like.new_empty((1, heads, tokens, size))


@torch.inference_mode()
def shares_prefixes(module: nn.Module) -> bool:
    """Whether a model computes the same with part of its prompt as a prefix, tried on a few
    tokens: true of those whose every layer is plain attention by Transformers' interface."""
    if not attention.in_use(module):
        return False
    cache = kvcache.make_cache(module, kvcache.BufferPool(), 2)
    if not all(isinstance(layer, kvcache.PreallocatedLayer) for layer in cache.layers):
        return False
    vocabulary = module.config.get_text_config(decoder=True).vocab_size
    tokens = [7 * i % vocabulary for i in range(1, 10)]
    try:
        expected = module(input_ids=torch.tensor([tokens]), use_cache=False).logits[0].float()
        prefix = extended(module, tokens[:4], None)
        logits, position, hidden = read(module, cache, [tokens[4:8], tokens[4:6]], prefix)
        found = [(logits[0], 7), (logits[1], 5)]
        with seen(cache, prefix, hidden):
            step = torch.tensor([[tokens[8]], [tokens[6]]])
            logits = module(input_ids=step, position_ids=position, past_key_values=cache).logits
        found += [(logits[0, -1], 8), (logits[1, -1], 6)]
    except Exception:
        return False
    spread = float(expected.std())
    worst = max(float((a.float() - expected[i]).abs().max()) for a, i in found)
    return worst <= (0.01 if module.dtype == torch.float32 else 0.5) * spread
