"""Text to token ids and back."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase


def encode(tokenizer: PreTrainedTokenizerBase, text: str, special: bool = False) -> list[int]:
    """Token ids; `special` has the tokenizer add its own (BOS, say)."""
    if tokenizer.is_fast:
        return tokenizer.backend_tokenizer.encode(text, add_special_tokens=special).ids
    return tokenizer.encode(text, add_special_tokens=special)


def decode(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> str:
    """Text without special tokens."""
    if tokenizer.is_fast:
        return tokenizer.backend_tokenizer.decode(ids, skip_special_tokens=True)
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


class Detokenizer:
    """Text of a growing list of tokens, piece by piece.

    Decodes a short window only: the last piece's tokens and the new ones, as the text of a token
    can depend on its left neighbour; text that ends inside a character (U+FFFD) waits for the
    rest.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase):
        self.tokenizer = tokenizer
        self.tokens: list[int] = []
        self.start = self.end = 0

    def push(self, tokens: list[int], last: bool = False) -> str:
        """The text that `tokens` add."""
        self.tokens += tokens
        known = decode(self.tokenizer, self.tokens[self.start : self.end])
        full = decode(self.tokenizer, self.tokens[self.start :])
        if len(full) <= len(known) or (full.endswith("\ufffd") and not last):
            return full[len(known) :] if last else ""
        self.start, self.end = self.end, len(self.tokens)
        return full[len(known) :]
