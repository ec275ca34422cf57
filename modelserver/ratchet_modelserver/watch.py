"""Following the text of a row while it is generated: for streaming, and to find stop strings."""

from __future__ import annotations

from .prompts import Detokenizer
from .rows import Row


class Watch:
    """The text of a row whose text is needed while it runs: streamed, or with stop strings."""

    def __init__(self, row: Row, tokenizer):
        self.row, self.detokenizer = row, Detokenizer(tokenizer)
        self.stop = row.settings.stop
        self.text = ""
        self.given = 0
        """Characters of `text` already returned."""
        self.sent = 0
        """Tokens already streamed."""
        self.stopped = False

    def push(self, tokens: list[int], last: bool) -> str:
        """Take new tokens up to a stop string. Returns text that can be shown: what could be the
        start of a stop string is held back."""
        if not self.stop:
            self.row.tokens += tokens
            self.text += self.detokenizer.push(tokens, last)
            return self.take(len(self.text))
        if last and not tokens:
            self.text += self.detokenizer.push([], last)
        for i, token in enumerate(tokens):
            self.row.tokens.append(token)
            before = len(self.text)
            self.text += self.detokenizer.push([token], last and i == len(tokens) - 1)
            hits = [self.text.find(s, max(0, before - len(s) + 1)) for s in self.stop]
            hits = [hit for hit in hits if hit >= 0]
            if hits:
                self.text, self.stopped = self.text[: min(hits)], True
                return self.take(len(self.text))
        return self.take(len(self.text) - (0 if last else max(map(len, self.stop)) - 1))

    def take(self, end: int) -> str:
        piece = self.text[self.given : end]
        self.given = max(self.given, end)
        return piece
