"""How many rows a batch may have so that its callers get their answers before they give up.

On a slow processor a step takes as much longer as there are more rows in it, so a full batch may
take longer than any client waits, and all that it made would be lost. The engine calls this under
its lock.
"""

from __future__ import annotations

FLAT = 32
"""Rows up to which a step takes about as long as with one: it reads all weights anyway."""
WEIGHT = 0.3
"""Of the newest measurement in the mean."""


class Pace:
    def __init__(self, answer_seconds: float):
        """answer_seconds: how long an answer may be expected to take."""
        self.answer_seconds = answer_seconds
        self.steps: dict[str, float] = {}
        """By base: seconds of a step with `FLAT` rows or fewer."""

    def moved(self, base: str, rows: int, steps: int, seconds: float) -> None:
        """A batch of so many rows took so many steps."""
        step = seconds / steps / max(1, rows / FLAT)
        known = self.steps.get(base)
        self.steps[base] = step if known is None else known + WEIGHT * (step - known)

    def rows(self, base: str, tokens: int) -> float:
        """Most rows of a batch in which each may take so many tokens: one at least, so that somebody
        is served, and any number before the first measurement."""
        step = self.steps.get(base)
        if not step:
            return float("inf")
        return max(1, FLAT * self.answer_seconds / (step * tokens))
