"""The engine: takes waiting rows, in batches, through the models, in threads of its own.

Rows of all callers wait in one queue. A batch holds rows of one model with prompts of similar
length. It starts when it is full, or when arrivals pause: a burst of single requests becomes a few
big batches, and a lone request waits a few milliseconds.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from . import kvcache
from .decode import Batch
from .errors import ApiError, overloaded
from .prefill import computed
from .prefix import Prefix
from .registry import Registry, Weights
from .rows import Piece, Row
from .score import prompt_logprobs

POOL_BYTES = 1 << 30
"""KV memory kept between batches on a CPU."""


SHARE = 32
"""Rows that are not worth splitting between threads."""


@dataclass(frozen=True)
class Limits:
    max_batch: int = 256
    max_queue: int = 20_000
    quiet_ms: float = 4.0
    """A batch that is not full starts once nothing has arrived for this long …"""
    gather_ms: float = 60.0
    """… or its oldest row has waited for this long."""
    prefill_tokens: int = 32_768
    """Prompt tokens, padding included, in one forward pass."""
    kv_bytes: int = 4 << 30
    """Memory for the keys and values of one batch."""


class Engine:
    def __init__(self, registry: Registry, limits: Limits, threads: int):
        """threads: CPU threads to use. Small models run one batch per thread, since their
        operations are too short to share; others run one batch at a time on all threads."""
        self.registry, self.limits = registry, limits
        small = all(
            base.weights.quick is not None and base.bytes <= registry.merge_limit
            for base in registry.bases.values()
        )
        self.workers = threads if small else 1
        torch.set_num_threads(threads // self.workers)
        self.waiting: list[Row] = []
        self.running = 0
        self.idle = 0
        self.last_arrival = 0.0
        self.wake = threading.Condition()
        self.stopping = False
        self.rows_done = self.tokens_done = 0

    def start(self) -> None:
        for number in range(self.workers):
            threading.Thread(target=self.loop, name=f"engine-{number}", daemon=True).start()

    def stop(self) -> None:
        """Stop after the batches in flight; what waits is dropped."""
        with self.wake:
            self.stopping = True
            self.wake.notify_all()

    def submit(self, rows: list[Row]) -> None:
        """Queue the rows of one request. Raises a 429 when the queue is full."""
        now = time.monotonic()
        for row in rows:
            row.arrived = now
        with self.wake:
            if len(self.waiting) + len(rows) > self.limits.max_queue:
                raise overloaded(len(self.waiting))
            self.waiting += rows
            self.last_arrival = now
            # A thread that gathers wakes by itself; waking it for each arrival would only cost.
            if len(self.waiting) == len(rows) or len(self.waiting) >= self.limits.max_batch:
                self.wake.notify()

    def loop(self) -> None:
        pool = kvcache.BufferPool()
        while True:
            rows = self.take()
            if rows is None:
                return
            try:
                self.run(rows, pool)
            except Exception as error:
                self.fail(rows, error)
            pool.trim(POOL_BYTES)
            with self.wake:
                self.running -= len(rows)

    def take(self) -> list[Row] | None:
        """Wait for a batch. None when the engine stops."""
        limits = self.limits
        with self.wake:
            self.idle += 1
            while not self.stopping:
                self.waiting = [row for row in self.waiting if not row.ticket.cancelled]
                if not self.waiting:
                    self.wake.wait()
                    continue
                now = time.monotonic()
                ready = min(
                    self.last_arrival + limits.quiet_ms / 1000,
                    self.waiting[0].arrived + limits.gather_ms / 1000,
                )
                if len(self.waiting) < limits.max_batch and now < ready:
                    self.wake.wait(ready - now)
                    continue
                rows = self.choose()
                taken = set(map(id, rows))
                self.waiting = [row for row in self.waiting if id(row) not in taken]
                self.idle -= 1
                self.running += len(rows)
                if self.waiting and self.idle:
                    self.wake.notify()
                return rows
        return None

    def choose(self) -> list[Row]:
        """The oldest row, and those of its model that share a prefix with it, if that is worth
        it, and whose prompts are closest to its own in length."""
        oldest = self.waiting[0]
        same = [r for r in self.waiting if r.model.fingerprint == oldest.model.fingerprint]
        # Threads that have nothing to do get their share.
        most = min(self.limits.max_batch, max(SHARE, -(-len(same) // self.idle)))
        same.remove(oldest)
        base = oldest.model.base
        start = 0
        if base.shares_prefixes:
            start, lengths = self.registry.prefixes.worth_sharing(
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
            if (
                rows > most
                or rows * width > self.limits.prefill_tokens
                or rows * (width + room) * base.kv_bytes_per_token > self.limits.kv_bytes
                # Much shorter prompts would be mostly padding.
                or 2 * own + 32 < width
                or 2 * length + 32 < width
            ):
                break
            chosen.append(row)
        for row in chosen:
            row.prefix_tokens = start
        return chosen

    def run(self, rows: list[Row], pool: kvcache.BufferPool) -> None:
        weights = self.registry.weights(rows[0].model)
        base = rows[0].model.base
        scored = [
            row for row in rows if row.settings.prompt_logprobs is not None and row.index == 0
        ]
        if scored:
            top = max(row.settings.prompt_logprobs for row in scored)
            found = prompt_logprobs(weights.module, base, [row.prompt for row in scored], top)
            for row, result in zip(scored, found, strict=True):
                row.ticket.prompt_logprobs = result
        silent = [row for row in rows if row.settings.max_tokens == 0]
        for row in silent:
            row.finish_reason = "length"
        self.finish(silent)
        rows = [row for row in rows if row.settings.max_tokens > 0]
        if rows:
            prefix = self.prefix(weights, rows)
            Batch(weights, base, rows, pool, self.finish, self.emit, prefix).run()

    def prefix(self, weights: Weights, rows: list[Row]) -> Prefix | None:
        """What all the rows' prompts begin with, computed or kept."""
        prefixes, first = self.registry.prefixes, rows[0]
        if not first.model.base.shares_prefixes or weights.quick is not None:
            return None
        start, name = first.prefix_tokens, first.model.fingerprint
        prefixes.remember(name, list({id(row.prompt): row.prompt for row in rows}.values()))
        if not start:
            return None
        return computed(weights.module, name, first.prompt[:start], prefixes)

    def fail(self, rows: list[Row], error: Exception) -> None:
        unfinished = [row for row in rows if not row.finish_reason]
        if isinstance(error, torch.OutOfMemoryError):
            torch.cuda.empty_cache()
            error = ApiError(
                503, "Out of memory; lower --max-batch or --kv-memory-mb.", code="out_of_memory"
            )
        if not isinstance(error, ApiError):
            error = ApiError(500, f"Generation failed: {type(error).__name__}: {error}")
        for row in unfinished:
            row.finish_reason, row.error = "error", error
        self.finish(unfinished)

    def finish(self, rows: list[Row]) -> None:
        with self.wake:
            self.rows_done += len(rows)
            self.tokens_done += sum(row.completion_tokens for row in rows)
        report(rows, lambda row: row, lambda row: row.ticket.finish(row))

    def emit(self, pieces: list[Piece]) -> None:
        report(pieces, lambda piece: piece.row, lambda p: p.row.ticket.pieces.put_nowait(p))


def report(items: list, row_of: Callable, action: Callable) -> None:
    """Run `action` on each item in its event loop, with one wake-up for all."""
    by_loop: dict[asyncio.AbstractEventLoop, list] = {}
    for item in items:
        by_loop.setdefault(row_of(item).ticket.loop, []).append(item)
    for loop, some in by_loop.items():
        try:
            loop.call_soon_threadsafe(lambda some=some: [action(item) for item in some])
        except RuntimeError:
            pass  # the loop has closed: the server is going down and nobody waits
