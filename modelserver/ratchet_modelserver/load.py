"""How long a call would wait, measured: what waits, over how fast the server ends rows while some
wait. A call that would wait for too long is told to come back, and when.

The engine calls everything here under its lock.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from .errors import ApiError, overloaded
from .rows import Row

PROMPT_SHARE = 16
"""Prompt tokens that cost about as much as one that is generated: prompts are read in parallel."""
MEMORY_SECONDS = 30
"""About how far back the measurement looks."""
LEAST_SECONDS, LEAST_ROWS = 1.0, 4
"""Measured less than this, nobody is sent away for the wait."""
LONGEST = 3600
"""Seconds of a Retry-After."""


class Load:
    def __init__(self, max_wait: float, clock: Callable[[], float] = time.monotonic):
        """max_wait: seconds that a call may be expected to wait."""
        self.max_wait, self.clock = max_wait, clock
        self.waiting = 0.0
        """Cost of the rows that wait, in generated tokens."""
        self.usual: float | None = None
        """Tokens of an answer, lately."""
        self.work = self.seconds = 0.0
        """What was done, and in what time, while rows waited."""
        self.rows = 0
        self.mark: float | None = None
        """Since when rows wait, or when the last ones ended."""

    def cost(self, row: Row) -> float:
        """Tokens that a row is expected to take."""
        most = row.settings.max_tokens
        answer = most if self.usual is None else min(most, self.usual)
        return 1 + answer + len(row.prompt) / PROMPT_SHARE

    def recount(self, waiting: list[Row]) -> None:
        self.waiting = sum(map(self.cost, waiting))
        if not waiting:
            self.mark = None
        elif self.mark is None:
            self.mark = self.clock()

    def ended(self, rows: list[Row]) -> None:
        done = [row for row in rows if row.finish_reason in ("stop", "length")]
        if not done:
            return
        tokens = sum(row.completion_tokens for row in done) / len(done)
        weight = min(0.5, len(done) / 32)
        self.usual = tokens if self.usual is None else self.usual + weight * (tokens - self.usual)
        if self.mark is None:
            return  # with nobody waiting, the speed says how much was asked
        now = self.clock()
        self.seconds += now - self.mark
        self.mark = now
        self.rows += len(done)
        self.work += sum(
            1 + row.completion_tokens + len(row.prompt) / PROMPT_SHARE for row in done
        )
        if self.seconds > MEMORY_SECONDS:
            share = MEMORY_SECONDS / self.seconds / 2
            self.work, self.seconds = self.work * share, self.seconds * share

    def expected_wait(self, cost: float | None = None) -> float:
        """Seconds before a row behind work of this cost (what waits) begins; 0 while unknown."""
        if self.seconds < LEAST_SECONDS or self.rows < LEAST_ROWS or not self.work:
            return 0.0
        return (self.waiting if cost is None else cost) * self.seconds / self.work

    def retry_after(self) -> int:
        """Whole seconds after which half of the allowed wait is free again."""
        return min(LONGEST, max(1, math.ceil(self.expected_wait() - self.max_wait / 2)))

    def refusal(self, rows: int) -> ApiError:
        """rows: how many wait."""
        wait = self.expected_wait()
        about = f", about {wait:.0f} seconds" if wait else ""
        return overloaded(
            f"Too many calls at once: {rows} completions wait{about}. Send it again after "
            "the seconds of Retry-After.",
            self.retry_after(),
        )

    def surplus(self, waiting: list[Row]) -> list[Row]:
        """The rows at the end of the queue that would wait for longer than allowed: whole requests
        of which nothing has begun."""
        if self.expected_wait() <= self.max_wait:
            return []
        requests: dict[int, list[Row]] = {}
        for row in waiting:
            requests.setdefault(id(row.ticket), []).append(row)
        ahead, late = 0.0, []
        for rows in requests.values():
            begun = len(rows) < rows[0].ticket.pending
            if begun or self.expected_wait(ahead) <= self.max_wait:
                ahead += sum(map(self.cost, rows))
            else:
                late += rows
        return late
