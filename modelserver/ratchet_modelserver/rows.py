"""What the engine works on: a row is one completion to make, a ticket is the request that waits
for its rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .guides import Guide
from .registry import Model


@dataclass(slots=True)
class Settings:
    """How to decode; the same for all choices of a request."""

    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    """How many alternatives to report per token; None reports no log probabilities."""
    prompt_logprobs: int | None = None
    stream: bool = False


@dataclass(slots=True, eq=False)
class Row:
    model: Model
    prompt: list[int]
    seed: int
    settings: Settings
    ticket: Ticket
    index: int
    """Which choice of the request this is."""
    guide: Guide | None = None
    """What holds the answer to a `response_format`."""
    arrived: float = 0.0
    prefix_tokens: int = 0
    """How much of the prompt's start its batch shares."""
    # What the engine fills in.
    tokens: list[int] = field(default_factory=list)
    """Without the end token."""
    completion_tokens: int = 0
    """With the end token, and with what a stop string cut off."""
    text: str = ""
    finish_reason: str = ""
    logprobs: Logprobs | None = None
    error: BaseException | None = None


@dataclass(slots=True)
class Logprobs:
    """Log probabilities under the model itself (temperature 1), aligned with `Row.tokens`."""

    chosen: np.ndarray
    """float32 [tokens]"""
    top_ids: np.ndarray
    """int64 [tokens, k], best first"""
    top_values: np.ndarray
    """float32 [tokens, k]"""

    def slice(self, start: int, end: int) -> Logprobs:
        return Logprobs(self.chosen[start:end], self.top_ids[start:end], self.top_values[start:end])


@dataclass(slots=True)
class PromptLogprobs:
    """Log probabilities of a prompt's tokens given those before; entry i is about token i + 1."""

    chosen: np.ndarray
    ranks: np.ndarray
    """int64 [tokens - 1]: 1 = the most likely token"""
    top_ids: np.ndarray
    top_values: np.ndarray


@dataclass(slots=True)
class Piece:
    """A part of a streamed answer; the last one of a row has its finish reason."""

    row: Row
    text: str
    first_token: int
    last_token: int
    finish_reason: str | None


@dataclass(slots=True, eq=False)
class Ticket:
    """Belongs to the event loop; the engine thread reads `cancelled` and reports through the
    loop."""

    loop: asyncio.AbstractEventLoop
    done: asyncio.Future
    pending: int = 0
    cancelled: bool = False
    pieces: asyncio.Queue | None = None
    prompt_logprobs: PromptLogprobs | None = None

    def finish(self, row: Row) -> None:
        """A row has ended, well or badly. Runs in the event loop."""
        self.pending -= 1
        if row.error is not None:
            if self.pieces is not None:
                self.pieces.put_nowait(row.error)
            if not self.done.done():
                self.done.set_exception(row.error)
        elif self.pending == 0 and not self.done.done():
            self.done.set_result(None)


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
