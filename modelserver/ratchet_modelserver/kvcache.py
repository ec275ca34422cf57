"""A KV cache whose memory is laid out ahead and reused from batch to batch.

Transformers' dynamic cache concatenates at every step, which copies the whole cache each time and,
for a small model on a CPU, costs more than the model itself.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from . import attention

FREE_BYTES = 1 << 30
"""Memory kept for later on a CPU."""


def rounded(size: int) -> int:
    """Up to an eighth more, so that buffers of a batch that grows row by row are used again."""
    step = 1 << max(0, size.bit_length() - 4)
    return -(-size // step) * step


class BufferPool:
    """Flat CPU buffers kept between batches: fresh memory is slow, as every page of it faults
    once."""

    def __init__(self, limit: int = FREE_BYTES):
        """limit: bytes to keep that nobody uses."""
        self.limit = limit
        self.free: list[torch.Tensor] = []

    def take(self, size: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
        """A flat tensor of at least `size` elements."""
        fitting = [
            buffer
            for buffer in self.free
            if buffer.numel() >= size and buffer.dtype == dtype and buffer.device == device
        ]
        if not fitting:
            return torch.empty(rounded(size), dtype=dtype, device=device)
        best = min(fitting, key=torch.Tensor.numel)
        self.free = [buffer for buffer in self.free if buffer is not best]
        return best

    def give(self, buffer: torch.Tensor) -> None:
        if buffer.device.type == "cpu":  # PyTorch keeps a GPU's memory itself
            self.free.append(buffer)
            self.trim()

    def trim(self) -> None:
        """Let go of the smallest buffers until the rest are within the limit: a batch that rows
        join and leave for hours lets go of buffers all the time."""
        self.free.sort(key=torch.Tensor.numel)
        kept = sum(b.numel() * b.element_size() for b in self.free)
        while kept > self.limit:
            gone = self.free.pop(0)
            kept -= gone.numel() * gone.element_size()


class PreallocatedLayer(DynamicLayer):
    """Keys and values [rows, heads, tokens, head size] as views into larger buffers."""

    def __init__(self, pool: BufferPool, reserve: int, keys_across: bool):
        """reserve: tokens to make room for after the prompt; more are added when they run out.
        keys_across: lay keys out with the tokens along the last axis and in float32, as
        attention.py wants them."""
        super().__init__()
        self.pool, self.reserve, self.keys_across = pool, reserve, keys_across
        self.prefix: tuple[torch.Tensor, torch.Tensor] | None = None
        """Keys and values [1, heads, tokens, head size] that come before every row's own."""
        self.flat: list[torch.Tensor] = []
        self.buffers: list[torch.Tensor] = []
        """Views of `flat` as [rows, heads, capacity, head size]."""

    def update(self, key_states, value_states, *args, **kwargs):
        attention.frame.layer = self
        if not self.is_initialized:
            # The prompt: kept as it is, as its rows may still be multiplied (choices of one
            # prompt).
            self.dtype, self.device = key_states.dtype, key_states.device
            self.keys, self.values, self.is_initialized = key_states, value_states, True
            return key_states, value_states
        length = self.keys.shape[2]
        end = length + key_states.shape[2]
        if not self.buffers or end > self.buffers[0].shape[2]:
            self.grow(end)
        rows = key_states.shape[0]
        keys, values = self.buffers[0][:rows, :, :end], self.buffers[1][:rows, :, :end]
        keys[:, :, length:] = key_states
        values[:, :, length:] = value_states
        self.keys, self.values = keys, values
        return keys, values

    def grow(self, needed: int) -> None:
        capacity = max(needed, self.keys.shape[2] + self.reserve)
        self.hold([(self.keys, self.values)], self.keys.shape[2], capacity)

    def hold(self, parts: list[tuple[torch.Tensor, torch.Tensor]], length: int, capacity: int):
        """Move the rows of `parts` (keys, values), one below the other, into fresh buffers for
        `capacity` tokens; those with fewer than `length` tokens are filled up with zeros."""
        flat, views = [], []
        rows = sum(keys.shape[0] for keys, _ in parts)
        for which, across in ((0, self.keys_across), (1, False)):
            like = parts[0][which]
            _, heads, _, size = like.shape
            shape = (rows, heads, size, capacity) if across else (rows, heads, capacity, size)
            dtype = torch.float32 if across else like.dtype
            flat.append(self.pool.take(math.prod(shape), dtype, like.device))
            view = flat[-1][: math.prod(shape)].view(shape)
            views.append(view.transpose(2, 3) if across else view)
            start = 0
            for part in parts:
                old = part[which]
                end, width = start + old.shape[0], old.shape[2]
                views[-1][start:end, :, :width] = old
                views[-1][start:end, :, width:length] = 0
                start = end
        self.release()
        self.flat, self.buffers = flat, views
        self.keys, self.values = (view[:, :, :length] for view in views)

    def own_prefix(self) -> None:
        """A copy of the prefix for each row, before the row's own tokens."""
        if self.prefix is None:
            return
        rows = self.keys.shape[0]
        pair = tuple(
            torch.cat((before.to(own.dtype).expand(rows, -1, -1, -1), own), 2)
            for before, own in zip(self.prefix, (self.keys, self.values), strict=True)
        )
        self.prefix = None
        if self.buffers:
            length = pair[0].shape[2]
            self.hold([pair], length, length + self.reserve)
        else:
            self.keys, self.values = pair

    def join(self, other: PreallocatedLayer, columns: list[torch.Tensor | None], length: int):
        """Take on the rows of `other`, below these. columns: for each of the two, which of its
        tokens to keep, int64 [rows, tokens], or None for all."""
        parts = []
        for layer, index in zip((self, other), columns, strict=True):
            pair = layer.keys, layer.values
            if index is not None:
                pair = tuple(
                    t.gather(2, index[:, None, :, None].expand(-1, t.shape[1], -1, t.shape[3]))
                    for t in pair
                )
            parts.append(pair)
        self.reserve = max(self.reserve, other.reserve)
        self.hold(parts, length, length + self.reserve)
        other.release()

    def reorder_cache(self, index: torch.Tensor) -> None:
        """Keep the rows `index`. Once generation runs, `index[i] == i` wherever a row stays in
        place, so that only the rows that move are copied."""
        if not self.buffers:
            self.keys, self.values = self.keys[index], self.values[index]
            return
        length, rows = self.keys.shape[2], index.shape[0]
        holes = (index != torch.arange(rows, device=index.device)).nonzero()[:, 0]
        for buffer in self.buffers:
            buffer[holes, :, :length] = buffer[index[holes], :, :length]
        self.keys, self.values = (buffer[:rows, :, :length] for buffer in self.buffers)

    def release(self) -> None:
        """Give the memory back to the pool."""
        for buffer in self.flat:
            self.pool.give(buffer)
        self.flat, self.buffers = [], []


def make_cache(module: nn.Module, pool: BufferPool, reserve: int) -> DynamicCache:
    """A cache for a model; layers of other kinds (sliding windows, linear attention) stay
    Transformers' own."""
    cache = DynamicCache(config=module.config)
    across = attention.in_use(module)
    cache.layers = [
        PreallocatedLayer(pool, reserve, across) if type(layer) is DynamicLayer else layer
        for layer in cache.layers
    ]
    return cache


def release(cache: DynamicCache) -> None:
    for layer in cache.layers:
        if isinstance(layer, PreallocatedLayer):
            layer.release()
