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

from . import kvcache, memory
from .choosing import SHARE, choose, room_beside, used
from .decode import Batch
from .errors import ApiError
from .load import Load
from .log import one_line, say_traceback
from .pace import Pace
from .prefill import computed
from .prefix import LEAST, Prefix
from .registry import Base, Registry, Weights
from .rows import Piece, Row, report
from .score import prompt_logprobs


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
    max_wait: float = 60.0
    """Seconds that a call may be expected to wait; see load.py."""
    max_answer: float = 240.0
    """Seconds that an answer may be expected to take; see pace.py."""


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
        self.load = Load(limits.max_wait)
        self.pace = Pace(limits.max_answer)
        self.open = 0
        """Rows submitted and not ended."""
        self.moved = time.monotonic()
        """When a batch last moved on, or the first row came."""
        self.threads: list[threading.Thread] = []

    def start(self) -> None:
        for number in range(self.workers):
            thread = threading.Thread(target=self.loop, name=f"engine-{number}", daemon=True)
            self.threads.append(thread)
            thread.start()

    def alive(self) -> bool:
        return all(thread.is_alive() for thread in self.threads)

    def stuck_seconds(self) -> float:
        """For how long there has been work that did not move on."""
        return time.monotonic() - self.moved if self.open else 0.0

    def stop(self) -> None:
        """Stop after the batches in flight; what waits is dropped."""
        with self.wake:
            self.stopping = True
            self.wake.notify_all()

    def submit(self, rows: list[Row]) -> None:
        """Queue the rows of one request. Raises a 429 when the queue is full, or would keep it
        waiting for too long."""
        now = time.monotonic()
        for row in rows:
            row.arrived = now
        with self.wake:
            full = len(self.waiting) + len(rows) > self.limits.max_queue
            if full or self.load.expected_wait() > self.limits.max_wait:
                raise self.load.refusal(len(self.waiting))
            if not self.open:
                self.moved = now
            self.open += len(rows)
            self.load.waiting += sum(map(self.load.cost, rows))
            self.waiting += rows
            self.last_arrival = now
            # A thread that gathers wakes by itself; waking it for each arrival would only cost.
            if len(self.waiting) == len(rows) or len(self.waiting) >= self.limits.max_batch:
                self.wake.notify()

    def loop(self) -> None:
        pool = kvcache.BufferPool()
        active: list[Batch] = []
        going = True
        while going:
            try:
                going = self.turn(active, pool)
            except Exception as error:
                # A thread that ends would leave its rows, and all that come, waiting for ever.
                self.recover(active, error)

    def recover(self, active: list[Batch], error: Exception) -> None:
        """After a fault outside of any batch: what may have been its reason ends."""
        say_traceback()
        with self.wake:
            first, self.waiting = self.waiting[:1], self.waiting[1:]
        self.fail([row for batch in active for row in batch.all_rows] + first, error)
        for batch in active:
            batch.close()
        active.clear()

    def turn(self, active: list[Batch], pool: kvcache.BufferPool) -> bool:
        """Start what may start, and move each batch in flight on by a block of steps. False when
        the engine stops."""
        rows = self.take(active)
        if rows is None:
            return False
        if rows:
            self.attempt(rows, lambda: self.admit(rows, active, pool))
        for batch in list(active):
            if not self.attempt(batch.all_rows, lambda batch=batch: self.advance(batch)):
                active.remove(batch)
                batch.close()
            self.moved = time.monotonic()
        self.shed()
        return True

    def shed(self) -> None:
        """Send away what turned out to have to wait for too long."""
        with self.wake:
            late = self.load.surplus(self.waiting)
            if not late:
                return
            error = self.load.refusal(len(self.waiting))
            gone = set(map(id, late))
            self.waiting = [row for row in self.waiting if id(row) not in gone]
            self.load.recount(self.waiting)
        self.fail(late, error)

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
                here = len(self.waiting)
                self.waiting = [row for row in self.waiting if not row.ticket.cancelled]
                if len(self.waiting) < here:
                    self.open -= here - len(self.waiting)
                    self.load.recount(self.waiting)
                if active and (not self.waiting or not room_beside(self, active)):
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
                try:
                    rows = choose(self, active)
                except Exception:
                    self.idle -= 1
                    raise
                taken = set(map(id, rows))
                self.waiting = [row for row in self.waiting if id(row) not in taken]
                self.load.recount(self.waiting)
                self.idle -= 1
                self.running += len(rows)
                if self.waiting and self.idle:
                    self.wake.notify()
                return rows
        return None

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
            if other.fits(batch) or self.part(other, batch, active):
                other.absorb(batch)
                return
        active.append(batch)

    def part(self, other: Batch, batch: Batch, active: list[Batch]) -> bool:
        """Let the rows of two batches be one, each with a copy of the prefix that it shared, where
        that costs less than steps of its own for each batch, which read all weights. True when they
        are to be joined."""
        if not other.related(batch):
            return False
        sharing = [one for one in (other, batch) if one.prefix is not None]
        tokens = sum(len(one.slots) * len(one.prefix.tokens) for one in sharing)
        copied = tokens * batch.base.kv_bytes_per_token
        _, kv_bytes = used([*active, batch])
        if (
            any(len(one.slots) >= SHARE for one in sharing)
            or copied > batch.base.bytes
            or kv_bytes + copied > self.limits.kv_bytes
        ):
            return False
        for one in sharing:
            one.own_prefix()
        return True

    def advance(self, batch: Batch) -> bool:
        """A block of steps of a batch, timed. False when no row is left."""
        rows, before, began = len(batch.slots), batch.steps, time.monotonic()
        going = batch.advance()
        with self.wake:
            seconds = time.monotonic() - began
            self.pace.moved(batch.base.digest, rows, batch.steps - before, seconds)
        return going

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
        if memory.ran_out(error):
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            error = ApiError(
                503, "Out of memory; lower --max-batch or --kv-memory-mb.", code="out_of_memory"
            )
        if not isinstance(error, ApiError):
            error = ApiError(500, f"Generation failed: {type(error).__name__}: {one_line(error)}")
        for row in unfinished:
            row.finish_reason, row.error = "error", error
        self.finish(unfinished)

    def finish(self, rows: list[Row]) -> None:
        with self.wake:
            self.open -= len(rows)
            self.load.ended(rows)
            self.rows_done += len(rows)
            self.tokens_done += sum(row.completion_tokens for row in rows)
        report(rows, lambda row: row, lambda row: row.ticket.finish(row))

    def emit(self, pieces: list[Piece]) -> None:
        report(pieces, lambda piece: piece.row, lambda p: p.row.ticket.pieces.put_nowait(p))
