"""Text to token ids and back."""

from __future__ import annotations

from transformers import PreTrainedTokenizerBase

SHORT = 4096
"""Characters."""
CHARACTERS_PER_TOKEN = 4


def encode(tokenizer: PreTrainedTokenizerBase, text: str, special: bool = False) -> list[int]:
    """Token ids; `special` has the tokenizer add its own (BOS, say)."""
    if not tokenizer.is_fast:
        return tokenizer.encode(text, add_special_tokens=special)
    if len(text) > SHORT:
        # Without offsets and the text of each token, which take most of the time and the memory.
        return tokenizer.backend_tokenizer.encode_batch_fast([text], add_special_tokens=special)[0].ids
    return tokenizer.backend_tokenizer.encode(text, add_special_tokens=special).ids


def encode_within(
    tokenizer: PreTrainedTokenizerBase, text: str, special: bool, limit: int
) -> list[int] | None:
    """Token ids, or None when the text surely has more than `limit` of them. What that takes is
    bounded by the limit, not by the text: a beginning that is too long decides."""
    size = CHARACTERS_PER_TOKEN * limit
    while size < len(text):
        # A beginning's tokens are the text's own, but for some at its end.
        if len(encode(tokenizer, text[:size], special)) > limit + limit // 64 + 64:
            return None
        size *= 2
    return encode(tokenizer, text, special)


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
