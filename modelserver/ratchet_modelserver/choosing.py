"""Which of the waiting rows a batch takes. Everything here runs under the engine's lock."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .rows import Row

if TYPE_CHECKING:
    from .decode import Batch
    from .engine import Engine

SHARE = 32
"""Rows that are not worth splitting between threads."""
MOST_BATCHES = 4
"""Batches that take turns in one thread: of different models or prefixes, so that they can't be
one."""


def room_beside(engine: Engine, active: list[Batch]) -> bool:
    """Whether the oldest waiting row may start while these batches run."""
    if engine.workers > 1 or len(active) >= MOST_BATCHES:
        return False
    row = engine.waiting[0]
    needed = (len(row.prompt) + row.settings.max_tokens) * row.model.base.kv_bytes_per_token
    rows, kv_bytes = used(active)
    most = min(engine.limits.max_batch, paced(engine, row))
    return rows < most and kv_bytes + needed <= engine.limits.kv_bytes


def paced(engine: Engine, row: Row) -> float:
    """Rows beside which an answer like this one's comes in time: twice as long as usual, if it may be."""
    usual = engine.load.usual
    most = row.settings.max_tokens
    tokens = most if usual is None else min(most, math.ceil(2 * usual))
    return engine.pace.rows(row.model.base.digest, max(1, tokens))


def used(active: list[Batch]) -> tuple[int, int]:
    """(rows in flight, bytes that their keys and values may come to)."""
    return sum(len(b.slots) for b in active), sum(b.kv_bytes for b in active)


def choose(engine: Engine, active: list[Batch]) -> list[Row]:
    """The oldest row, and those of its model that share a prefix with it, if that is worth
    it, and whose prompts are closest to its own in length."""
    oldest = engine.waiting[0]
    same = [r for r in engine.waiting if r.model.fingerprint == oldest.model.fingerprint]
    in_flight, kv_used = used(active)
    # Threads that have nothing to do get their share.
    most = min(
        engine.limits.max_batch - in_flight,
        paced(engine, oldest) - in_flight,
        max(SHARE, -(-len(same) // engine.idle)),
    )
    same.remove(oldest)
    base = oldest.model.base
    start = 0
    if base.shares_prefixes:
        start, lengths = engine.registry.prefixes.worth_sharing(
            oldest.model.fingerprint, oldest.prompt, [row.prompt for row in same]
        )
        same = [
            row
            for row in same
            if lengths.get(id(row.prompt), 0) >= start and len(row.prompt) > start
        ]
    length = len(oldest.prompt) - start
    same.sort(key=lambda row: abs(len(row.prompt) - start - length))
    chosen, width, room = [oldest], length, oldest.settings.max_tokens
    for row in same:
        own = len(row.prompt) - start
        width, room = max(width, own), max(room, row.settings.max_tokens)
        rows = len(chosen) + 1
        kv_bytes = kv_used + rows * (width + room) * base.kv_bytes_per_token
        if (
            rows > most
            or rows * width > engine.limits.prefill_tokens
            or kv_bytes > engine.limits.kv_bytes
            # Much shorter prompts would be mostly padding.
            or 2 * own + 32 < width
            or 2 * length + 32 < width
        ):
            break
        chosen.append(row)
    for row in chosen:
        row.prefix_tokens = start
    return chosen
