"""Prompts that begin alike: a system message, worked examples, a conversation so far.

Their keys and values are computed once, kept from batch to batch, and attended to by all rows
together (see attention.py). Entries belong to a model's fingerprint, so other weights never see
them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch

LEAST = 32
"""Tokens from which sharing pays for the bookkeeping."""
WORTH = 0.25
"""Share of the waiting prompts' tokens that must be saved before rows that begin otherwise are
left for another batch."""
RECENT = 32
"""Prompts remembered per model, as tokens: what recurs in them is worth keeping."""
LOOK = 1024
"""Waiting rows looked at."""


@dataclass(frozen=True)
class Prefix:
    tokens: list[int]
    layers: list[tuple[torch.Tensor, torch.Tensor]]
    """(keys, values) per layer, each [1, KV heads, tokens, head size]."""

    @property
    def bytes(self) -> int:
        return sum(t.numel() * t.element_size() for pair in self.layers for t in pair)

    def cut(self, length: int) -> Prefix:
        if length == len(self.tokens):
            return self
        layers = [(keys[:, :, :length], values[:, :, :length]) for keys, values in self.layers]
        return Prefix(self.tokens[:length], layers)


def shared(a: Sequence[int], b: Sequence[int]) -> int:
    """How many tokens at the start are the same."""
    high = min(len(a), len(b))
    if a[:high] == b[:high]:
        return high
    low = 0
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


class Prefixes:
    """Computed prefixes, the least recently used let go first. Safe to use from all threads."""

    def __init__(self, limit: int):
        """limit: bytes of keys and values to keep."""
        self.limit, self.bytes = limit, 0
        self.entries: OrderedDict[tuple[str, tuple[int, ...]], Prefix] = OrderedDict()
        self.recent: dict[str, deque[list[int]]] = {}
        self.lock = threading.Lock()
        self.tokens_saved = 0
        """Prompt tokens that no forward pass had to read."""

    def best(self, fingerprint: str, prompt: list[int]) -> tuple[int, Prefix | None]:
        """The entry that shares the most tokens with `prompt`, and how many."""
        with self.lock:
            length, key = 0, None
            for candidate, entry in self.entries.items():
                if candidate[0] == fingerprint:
                    same = shared(entry.tokens, prompt)
                    if same > length:
                        length, key = same, candidate
            if key is None:
                return 0, None
            self.entries.move_to_end(key)
            return length, self.entries[key]

    def put(self, fingerprint: str, prefix: Prefix) -> None:
        if prefix.bytes > self.limit:
            return
        key = (fingerprint, tuple(prefix.tokens))
        with self.lock:
            if key not in self.entries:
                self.entries[key] = prefix
                self.bytes += prefix.bytes
            self.entries.move_to_end(key)
            while self.bytes > self.limit:
                _, old = self.entries.popitem(last=False)
                self.bytes -= old.bytes

    def drop(self, fingerprint: str) -> None:
        """Forget what was computed with weights that have gone."""
        with self.lock:
            self.recent.pop(fingerprint, None)
            for key in [key for key in self.entries if key[0] == fingerprint]:
                self.bytes -= self.entries.pop(key).bytes

    def remember(self, fingerprint: str, prompts: list[list[int]]) -> None:
        with self.lock:
            if fingerprint not in self.recent:
                # Models come and go; only tokens are kept here, and of few models.
                while len(self.recent) >= 16:
                    self.recent.pop(next(iter(self.recent)))
                self.recent[fingerprint] = deque(maxlen=RECENT)
            self.recent[fingerprint].extend(prompts[-RECENT:])

    def worth_sharing(
        self, fingerprint: str, prompt: list[int], others: list[list[int]]
    ) -> tuple[int, dict[int, int]]:
        """How long a prefix of `prompt` to share, 0 for none, given the other prompts that wait;
        and the tokens that each of those shares with it, by id()."""
        lengths = {id(prompt): len(prompt)}
        distinct: dict[int, list[int]] = {}
        for other in others[:LOOK]:
            if id(other) not in lengths:
                lengths[id(other)] = shared(prompt, other)
                if other != prompt:
                    distinct[id(other)] = other
        with self.lock:
            recent = [past for past in self.recent.get(fingerprint, ()) if past is not prompt]
        most = len(prompt) - 1  # the last token's logits are wanted, so that it runs in any case
        ready = min(self.best(fingerprint, prompt)[0], most)
        votes = [min(lengths[key], most) for key in distinct]
        past = [min(shared(prompt, one), most) for one in recent]
        chosen, gain = 0, 0
        for length in {*votes, *past, ready}:
            if length < LEAST:
                continue
            rows = sum(vote >= length for vote in votes)
            saved = length * (rows + (length <= ready))
            saved += length * sum(one >= length for one in past) // (RECENT if rows else 1)
            if saved > gain:
                chosen, gain = length, saved
        left_out = sum(len(p) for key, p in distinct.items() if min(lengths[key], most) < chosen)
        if gain < WORTH * left_out:
            return 0, lengths
        return chosen, lengths
