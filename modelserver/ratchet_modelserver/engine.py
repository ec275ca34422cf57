"""The engine: takes waiting rows, in batches, through the models, in threads of its own.

Rows of all callers wait in one queue. A batch holds rows of one model with prompts of similar
length. It starts when it is full, or when arrivals pause: a burst of single requests becomes a few
big batches, and a lone request waits a few milliseconds. Rows that come later join it between two
blocks of steps; those that cannot (another model, another prefix) run in turns with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from . import kvcache
from .decode import Batch
from .errors import ApiError, overloaded
from .prefill import computed
from .prefix import LEAST, Prefix
from .registry import Base, Registry, Weights
from .rows import Piece, Row, report
from .score import prompt_logprobs

POOL_BYTES = 1 << 30
"""KV memory kept between batches on a CPU."""
SHARE = 32
"""Rows that are not worth splitting between threads."""
MOST_BATCHES = 4
"""Batches that take turns in one thread: of different models or prefixes, so that they can't be
one."""


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
        active: list[Batch] = []
        while self.turn(active, pool):
            if not active:
                pool.trim(POOL_BYTES)

    def turn(self, active: list[Batch], pool: kvcache.BufferPool) -> bool:
        """Start what may start, and move each batch in flight on by a block of steps. False when
        the engine stops."""
        rows = self.take(active)
        if rows is None:
            return False
        if rows:
            self.attempt(rows, lambda: self.admit(rows, active, pool))
        for batch in list(active):
            if not self.attempt(batch.all_rows, batch.advance):
                active.remove(batch)
                batch.close()
        return True

    def attempt(self, rows: list[Row], work: Callable) -> object:
        """What `work()` returns; None when it fails, which ends `rows`."""
        try:
            return work()
        except Exception as error:
            self.fail(rows, error)
            return None

    def take(self, active: list[Batch]) -> list[Row] | None:
        """Rows to start on. With batches in flight it does not wait, and the answer may be empty;
        without any it waits for rows to come, and for arrivals to pause. None when the engine
        stops."""
        limits = self.limits
        with self.wake:
            self.running = sum(len(batch.slots) for batch in active)
            self.idle += 1
            while not self.stopping:
                self.waiting = [row for row in self.waiting if not row.ticket.cancelled]
                if active and (not self.waiting or not self.room_beside(active)):
                    self.idle -= 1
                    return []
                if not self.waiting:
                    self.wake.wait()
                    continue
                now = time.monotonic()
                ready = min(
                    self.last_arrival + limits.quiet_ms / 1000,
                    self.waiting[0].arrived + limits.gather_ms / 1000,
                )
                if not active and len(self.waiting) < limits.max_batch and now < ready:
                    self.wake.wait(ready - now)
                    continue
                rows = self.choose(active)
                taken = set(map(id, rows))
                self.waiting = [row for row in self.waiting if id(row) not in taken]
                self.idle -= 1
                self.running += len(rows)
                if self.waiting and self.idle:
                    self.wake.notify()
                return rows
        return None

    def room_beside(self, active: list[Batch]) -> bool:
        """Whether the oldest waiting row may start while these batches run."""
        if self.workers > 1 or len(active) >= MOST_BATCHES:
            return False
        row = self.waiting[0]
        needed = (len(row.prompt) + row.settings.max_tokens) * row.model.base.kv_bytes_per_token
        rows, kv_bytes = self.used(active)
        return rows < self.limits.max_batch and kv_bytes + needed <= self.limits.kv_bytes

    def used(self, active: list[Batch]) -> tuple[int, int]:
        """(rows in flight, bytes that their keys and values may come to)."""
        return sum(len(b.slots) for b in active), sum(b.kv_bytes for b in active)

    def choose(self, active: list[Batch]) -> list[Row]:
        """The oldest row, and those of its model that share a prefix with it, if that is worth
        it, and whose prompts are closest to its own in length."""
        oldest = self.waiting[0]
        same = [r for r in self.waiting if r.model.fingerprint == oldest.model.fingerprint]
        in_flight, kv_used = self.used(active)
        # Threads that have nothing to do get their share.
        most = min(self.limits.max_batch - in_flight, max(SHARE, -(-len(same) // self.idle)))
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
            kv_bytes = kv_used + rows * (width + room) * base.kv_bytes_per_token
            if (
                rows > most
                or rows * width > self.limits.prefill_tokens
                or kv_bytes > self.limits.kv_bytes
                # Much shorter prompts would be mostly padding.
                or 2 * own + 32 < width
                or 2 * length + 32 < width
            ):
                break
            chosen.append(row)
        for row in chosen:
            row.prefix_tokens = start
        return chosen

    def admit(self, rows: list[Row], active: list[Batch], pool: kvcache.BufferPool) -> None:
        """Read the rows' prompts, and let them join a batch in flight where one fits."""
        weights = self.registry.weights(rows[0].model)
        base = rows[0].model.base
        self.score(weights, base, rows)
        rows = [row for row in rows if row.settings.max_tokens > 0]
        if not rows:
            return
        prefix = self.prefix(weights, rows, active)
        batch = Batch(weights, base, rows, pool, self.finish, self.emit, prefix)
        try:
            batch.prefill()
            going = batch.advance(1)
        except BaseException:
            batch.close()
            raise
        if not going:
            batch.close()
            return
        for other in active:
            if other.fits(batch):
                other.absorb(batch)
                return
        active.append(batch)

    def score(self, weights: Weights, base: Base, rows: list[Row]) -> None:
        """Log probabilities of prompts, for the rows that asked; the end of those that want no
        more."""
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

    def prefix(self, weights: Weights, rows: list[Row], active: list[Batch]) -> Prefix | None:
        """What all the rows' prompts begin with: a running batch's, to join it, or one that is
        kept, or computed now."""
        prefixes, first = self.registry.prefixes, rows[0]
        if not first.model.base.shares_prefixes or weights.quick is not None:
            return None
        start, name = first.prefix_tokens, first.model.fingerprint
        prefixes.remember(name, list({id(row.prompt): row.prompt for row in rows}.values()))
        if not start:
            return None
        for batch in active:
            known = batch.prefix.tokens if batch.prefix and batch.module is weights.module else []
            if start - LEAST <= len(known) <= start and first.prompt[: len(known)] == known:
                prefixes.tokens_saved += len(known)
                return batch.prefix
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
