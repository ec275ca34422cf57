"""Constrained decoding: which tokens may come next, so that an answer follows a JSON schema.

llguidance compiles the schema and computes a bit per token and step. A vocabulary is read once, at
load (it holds Python's lock for up to a second); grammars are compiled in a thread of their own,
under limits, and kept. Rows without a guide pay nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import llguidance.hf
import numpy as np
import orjson
import torch
from llguidance import LLExecutor, LLMatcher, LLParserLimits, LLTokenizer
from llguidance.numpy import fill_next_token_bitmask, fill_next_token_bitmask_par
from transformers import PreTrainedTokenizerBase

from .errors import ApiError
from .formats import refused, unwritable
from .template import THINK, THOUGHT

LIMITS = LLParserLimits(
    max_lexer_states=20_000,
    max_grammar_size=200_000,
    precompute_large_lexemes=False,
    verbose_errors=False,
)
"""About 40 MB and 100 ms for the worst schema; a step takes at most some 20 ms for it."""
OPTIONS = {"whitespace_pattern": r"[ \n\t]{0,32}"}
"""Small models asked for JSON like to write line breaks for ever; nobody indents by more."""
KEEP = 32

compiling = ThreadPoolExecutor(1, "grammar")
"""One thread: a stranger's hard schemas queue behind each other and leave the processor alone."""


class Tokens:
    """A vocabulary as llguidance takes it, for tokenizers whose decoder it does not know: the bytes
    of each token are what it decodes to alone."""

    is_tokenizer_wrapper = True

    def __init__(self, tokenizer: PreTrainedTokenizerBase, eos_id: int):
        backend = tokenizer.backend_tokenizer
        self.backend, self.eos_token_id, self.bos_token_id = backend, eos_id, None
        size = backend.get_vocab_size(with_added_tokens=True)
        alone = [[id] for id in range(size)]
        self.tokens = [text.encode() for text in backend.decode_batch(alone, False)]
        added = backend.get_added_tokens_decoder()
        self.special_token_ids = [id for id, token in added.items() if token.special]
        pairs = [
            [a, b] for a in range(0, size, 1 + size // 16) for b in range(0, size, 1 + size // 16)
        ]
        for (a, b), text in zip(pairs, backend.decode_batch(pairs, False), strict=True):
            if text.encode() != self.tokens[a] + self.tokens[b]:
                raise ValueError("the text of its tokens depends on their neighbours")

    def __call__(self, text: str | bytes) -> list[int]:
        if isinstance(text, bytes):
            text = text.decode(errors="replace")
        return self.backend.encode(text, add_special_tokens=False).ids


class Vocabulary:
    """What a base model can write, and the grammars compiled for it."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, eos_ids: list[int], size: int):
        """size: logits per position. Never raises: what cannot be guided says why in `reason`."""
        self.tokenizer, self.size, self.reason = tokenizer, size, ""
        self.compiled: OrderedDict[bytes, LLMatcher | str] = OrderedDict()
        self.lock = threading.Lock()
        if not tokenizer.is_fast:
            self.reason = "its tokenizer is a slow (pure Python) one"
        elif not eos_ids:
            self.reason = "it has no end token, so that no answer could end"
        else:
            try:
                self.read(eos_ids)
            except Exception as error:
                self.reason = f"its tokenizer cannot be read for it: {error}"

    def read(self, eos_ids: list[int]) -> None:
        size = max(self.size, len(self.tokenizer))
        try:
            self.tokens = llguidance.hf.from_tokenizer(self.tokenizer, size, eos_ids)
        except ValueError:
            wrapped = Tokens(self.tokenizer, eos_ids[0])
            self.tokens = LLTokenizer(wrapped, n_vocab=size, eos_token=eos_ids)
        words = [
            self.tokens.decode_bytes([id])
            for id in range(len(self.tokenizer))
            if not self.tokens.is_special_token(id)
        ]
        self.words = {word for word in words if len(word) <= 4}

    def writes(self, character: str) -> bool:
        """Whether there are tokens for this one character."""
        data = character.encode(errors="replace")
        return data in self.words or all(bytes([byte]) in self.words for byte in data)

    def compile(self, schema: dict) -> LLMatcher:
        """A matcher at its start, to be copied. Raises a 400 that says what cannot be honoured."""
        if self.reason:
            raise refused(
                f"'response_format' is not possible with this model: {self.reason}. "
                "Leave it out and ask for JSON in the messages."
            )
        key = orjson.dumps(schema)
        with self.lock:
            found = self.compiled.get(key)
            if found is not None:
                self.compiled.move_to_end(key)
        if found is None:
            found = self.build(schema, key.decode())
            with self.lock:
                self.compiled[key] = found
                while len(self.compiled) > KEEP:
                    self.compiled.popitem(last=False)
        if isinstance(found, str):
            raise refused(found)
        return found

    def build(self, schema: dict, text: str) -> LLMatcher | str:
        """The compiled grammar, or why there is none."""
        lacking = unwritable(schema, self.writes)
        if lacking:
            return (
                "'response_format' is not possible with this model: its vocabulary cannot write "
                f"{' '.join(lacking)}. Leave it out, or use a model that can write JSON."
            )
        try:
            grammar = LLMatcher.grammar_from_json_schema(text, overrides=OPTIONS)
            matcher = LLMatcher(self.tokens, grammar, log_level=0, limits=LIMITS)
            trial = matcher.deep_copy()
            if not trial.is_error():
                trial.compute_bitmask()
            if not trial.is_error():
                return matcher
            why = reason(trial)
        except BaseException as error:  # a panic in the library is no Exception
            why = str(error)
        return f"The schema of 'response_format' cannot be honoured: {why}."


def reason(matcher: LLMatcher) -> str:
    """llguidance's message in one line, or words for its bare codes."""
    text = " ".join(matcher.get_error().split("<", 1)[0].split()).rstrip(". ")
    if text.startswith("NoExtension"):
        return "no answer of this model's vocabulary can follow it"
    return text[:300] or matcher.stop_reason()


class Guide:
    """What may come next in one row."""

    __slots__ = ("matcher", "thinking", "last")

    def __init__(self, matcher: LLMatcher, thinking: bool):
        """thinking: the prompt has opened a think block; the format holds behind it."""
        self.matcher, self.thinking = matcher, thinking
        self.last: list[int] = []

    def accept(self, token: int, tokenizer: PreTrainedTokenizerBase) -> None:
        if not self.thinking:
            self.matcher.consume_token(token)
            return
        self.last = [*self.last[-11:], token]
        self.thinking = THOUGHT not in tokenizer.backend_tokenizer.decode(self.last, False)


async def make_guides(
    vocabulary: Vocabulary, schema: dict | None, prompt: list[int], n: int
) -> list[Guide | None]:
    """One guide per choice. Raises a 400 when the schema cannot be honoured."""
    if schema is None:
        return [None] * n
    loop = asyncio.get_running_loop()
    matcher = await loop.run_in_executor(compiling, vocabulary.compile, schema)
    end = vocabulary.tokenizer.backend_tokenizer.decode(prompt[-12:], False)
    thinking = end.rstrip().endswith(THINK)
    return [Guide(matcher.deep_copy(), thinking) for _ in range(n)]


class Guides:
    """The guides of the rows in flight in one batch."""

    def __init__(self, rows: list, vocabulary: Vocabulary, eos_ids: list[int]):
        """rows: all rows of the batch, by slot."""
        self.rows, self.vocabulary, self.eos = rows, vocabulary, eos_ids
        self.executor = LLExecutor(max(1, torch.get_num_threads()))
        self.steps = dict.fromkeys(range(len(rows)), 0)
        """Tokens that each row has made, by slot."""
        self.left = {slot for slot, row in enumerate(rows) if row.guide is not None}
        self.select(np.arange(len(rows)))

    def select(self, slots: np.ndarray) -> None:
        """slots int64 [rows]: which row each row in flight is."""
        self.at = [(i, slot) for i, slot in enumerate(slots.tolist()) if slot in self.left]

    def mask(self, logits: torch.Tensor) -> torch.Tensor:
        """logits [rows, vocabulary] -> the same, where guided rows hold -inf for every token that
        may not come next. A row that cannot go on gets its error, and may only end."""
        active = [(i, slot) for i, slot in self.at if not self.rows[slot].guide.thinking]
        if not active:
            return logits
        width = logits.shape[-1]
        bits = np.zeros((len(active), -(-self.vocabulary.tokens.vocab_size // 32)), dtype=np.int32)
        matchers = [self.rows[slot].guide.matcher for _, slot in active]
        if len(matchers) == 1:
            fill_next_token_bitmask(matchers[0], bits)
        else:
            numbered = [(matcher, k) for k, matcher in enumerate(matchers)]
            fill_next_token_bitmask_par(self.executor, numbered, bits)
        allowed = np.unpackbits(bits.view(np.uint8), axis=1, bitorder="little")[:, :width]
        for k, (_, slot) in enumerate(active):
            if matchers[k].is_error() or not allowed[k].any():
                self.rows[slot].error = dead_end(matchers[k])
                allowed[k] = 0
                allowed[k, self.eos] = 1
        index = torch.tensor([i for i, _ in active], device=logits.device)
        banned = torch.from_numpy(allowed == 0).to(logits.device)
        masked = logits.clone()
        masked[index] = logits[index].masked_fill(banned, -torch.inf)
        return masked

    def accept(self, token: torch.Tensor) -> None:
        """token int64 [rows]: what was chosen."""
        chosen = token.tolist()
        for i, slot in self.at:
            self.steps[slot] += 1
            # Rows run on for a few steps after their end; nothing holds for those.
            if chosen[i] in self.eos or self.steps[slot] >= self.rows[slot].settings.max_tokens:
                self.left.discard(slot)
            else:
                self.rows[slot].guide.accept(chosen[i], self.vocabulary.tokenizer)
        self.at = [(i, slot) for i, slot in self.at if slot in self.left]

    def renumber(self, rows: list, slots: dict[int, int]) -> None:
        """The batch's rows have new slots: slots {old: new}; those that it lacks have ended."""
        self.rows = rows
        self.left = {slots[slot] for slot in self.left if slot in slots}
        self.steps = {new: self.steps.get(old, 0) for old, new in slots.items()}
        self.select(np.arange(len(rows)))


def dead_end(matcher: LLMatcher) -> ApiError:
    return refused(f"The answer could not go on by 'response_format': {reason(matcher)}.")
