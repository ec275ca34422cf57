"""One line on stderr. Never raises: a log on a full disk must not end what wanted to tell of it."""

from __future__ import annotations

import sys
import traceback

SHOWN = 2000
"""Characters of one message; what comes from outside may have any length."""


def say(text: str) -> None:
    try:
        print(text[:SHOWN], file=sys.stderr, flush=True)
    except (OSError, ValueError):
        pass


def say_traceback() -> None:
    """The exception being handled, with where it happened."""
    try:
        traceback.print_exc()
    except (OSError, ValueError):
        pass


def one_line(said: BaseException | str) -> str:
    """What an exception, or a text from outside, says, for a message to a person."""
    text = " ".join(str(said).split())
    if not text and isinstance(said, BaseException):
        text = type(said).__name__
    return text.encode("utf-8", "replace").decode()[:SHOWN]
