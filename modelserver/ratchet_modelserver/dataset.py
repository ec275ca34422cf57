"""Training files: OpenAI's chat JSONL, checked line by line, and turned into tokens with a loss
mask.

What trains is, token for token, what generation saw and what the model wrote: the prompt that the
chat route renders for the messages before the last one, the last one's raw text, and the token that
an answer ends with. A template's own rendering of an answer is never used: Qwen3's slips an empty
think block in, others strip white space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import PreTrainedTokenizerBase

from .errors import ApiError
from .prompts import encode
from .schemas import Message
from .template import Template, continuation, with_reasoning

LONGEST_LINE = 32 << 20
"""Bytes."""


class BadData(ValueError):
    """A training file that cannot be used; the message names the line and the reason."""


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    messages: list[Message]
    chat_template_kwargs: dict | None = None
    """As in the request that the answer came from."""


@dataclass(slots=True)
class Example:
    tokens: np.ndarray
    """int64 [length]"""
    trained: np.ndarray
    """bool [length]: tokens that the loss counts"""


def written(message: Message) -> str:
    """The raw text of an assistant message."""
    plain = message.plain()
    return with_reasoning(plain.get("reasoning_content"), plain["content"])


def raw_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(line number, bytes) of every line that is not empty. Raises BadData for one that is too
    long."""
    with path.open("rb") as file:
        number = 0
        while raw := file.readline(LONGEST_LINE + 1):
            number += 1
            if len(raw) > LONGEST_LINE:
                raise BadData(f"line {number} has more than {LONGEST_LINE:,} bytes")
            if raw.strip():
                yield number, raw


def read_lines(path: Path) -> Iterator[tuple[int, Line]]:
    """(line number, line) of every line. Raises BadData for the first bad one, and for none."""
    number = None
    for number, raw in raw_lines(path):
        yield number, read_line(number, raw)
    if number is None:
        raise BadData("the file has no examples")


def read_line(number: int, raw: bytes) -> Line:
    try:
        line = Line.model_validate(orjson.loads(raw))
    except orjson.JSONDecodeError as error:
        raise BadData(f"line {number} is not valid JSON: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"])[:200]
        raise BadData(f"line {number}: {field or 'the line'}: {first['msg']}") from None
    if not line.messages or line.messages[-1].role != "assistant":
        raise BadData(f"line {number}: the last message must be the assistant's")
    if not written(line.messages[-1]):
        raise BadData(f"line {number}: the last message is empty, so there is nothing to learn")
    return line


def check_file(path: Path, template: Template | None) -> None:
    """Reads a training file through before its job is queued, and renders the prompt of every line
    with the chat template. Raises BadData for the first line that is malformed or refused."""
    for number, line in read_lines(path):
        if template is not None and len(line.messages) > 1:
            before = [message.plain() for message in line.messages[:-1]]
            with at_line(number):
                template.render(before, arguments=line.chat_template_kwargs)


@contextmanager
def at_line(number: int) -> Iterator[None]:
    """Whatever is wrong with a line has the line's number."""
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:
        said = str(error) if isinstance(error, ApiError | BadData) else f"{type(error).__name__}: {error}"
        raise BadData(f"line {number}: {said}") from None


def read_examples(
    path: Path,
    tokenizer: PreTrainedTokenizerBase,
    eos_ids: list[int],
    max_length: int,
    alive: Callable[[], None] = lambda: None,
    rows: int | None = None,
) -> list[Example]:
    """Raises BadData for a line that is malformed, too long for the model, refused by its chat
    template, or without anything to learn. `alive` is called for each line."""
    examples = []
    template = Template(tokenizer, rows)
    for number, line in read_lines(path):
        alive()
        with at_line(number):
            example = tokenize(line, template, end_token(template, eos_ids))
        if len(example.tokens) > max_length:
            raise BadData(
                f"line {number} has {len(example.tokens)} tokens; "
                f"the model takes at most {max_length}"
            )
        if not example.trained.any():
            raise BadData(f"line {number}: no assistant message has a token to learn")
        if len(example.tokens) < 2:
            raise BadData(f"line {number}: the prompt is empty")
        examples.append(example)
    return examples


def end_token(template: Template, eos_ids: list[int]) -> int:
    """The token that answers end with: the template's where it is one that generation stops at."""
    for id in (template.end_id, template.tokenizer.eos_token_id):
        if id is not None and id in eos_ids:
            return id
    return eos_ids[0]


def tokenize(line: Line, template: Template, end_id: int) -> Example:
    """The last answer behind its prompt. Earlier answers are part of the prompt as the template
    renders it; they are learnt too where that is what the model read and wrote at their time.
    Raises a 400 when the template refuses the messages."""
    *before, last = line.messages
    prompt = (
        template.render([m.plain() for m in before], arguments=line.chat_template_kwargs)
        if before
        else ""
    )
    tokens = template.read(prompt) if prompt else []
    trained = np.zeros(len(tokens), dtype=bool)
    for start, end in earlier_answers(before, prompt, line, template, end_id):
        trained |= inside(template, prompt, len(tokens), start, end)
    answer = [*encode_answer(template, continuation(prompt, written(last))), end_id]
    learnt = np.full(len(answer), last.weight != 0)
    return Example(np.array([*tokens, *answer], dtype=np.int64), np.concatenate((trained, learnt)))


def encode_answer(template: Template, text: str) -> list[int]:
    """Ids of what a model wrote. Special tokens are not in an answer's text, so what looks like one
    was written in letters."""
    tokenizer = template.tokenizer
    if not tokenizer.is_fast:
        return encode(tokenizer, text)
    backend = tokenizer.backend_tokenizer
    usual, backend.encode_special_tokens = backend.encode_special_tokens, True
    try:
        return encode(tokenizer, text)
    finally:
        backend.encode_special_tokens = usual


def earlier_answers(
    before: list[Message], prompt: str, line: Line, template: Template, end_id: int
) -> list[tuple[int, int]]:
    """Where in `prompt` earlier answers stand that are to be learnt, [start, end) in characters,
    their end tokens included."""
    found = []
    end_text = template.tokenizer.convert_ids_to_tokens(end_id)
    for i, message in enumerate(before):
        if message.role != "assistant" or message.weight == 0 or i == 0:
            continue
        read = template.render([m.plain() for m in before[:i]], arguments=line.chat_template_kwargs)
        answer = continuation(read, written(message))
        # A template may rewrite earlier turns (drop their reasoning, say): those are context only.
        if answer and prompt.startswith(read + answer):
            start, end = len(read), len(read) + len(answer)
            closed = prompt.startswith(end_text, end)
            found.append((start, end + len(end_text) if closed else end))
    return found


def inside(template: Template, prompt: str, length: int, start: int, end: int) -> np.ndarray:
    """bool [length]: which tokens of the prompt lie within the characters [start, end)."""
    if not template.tokenizer.is_fast:
        return np.zeros(length, dtype=bool)
    encoding = template.tokenizer.backend_tokenizer.encode(
        prompt, add_special_tokens=not template.own
    )
    spans = np.array(encoding.offsets[:length]).reshape(-1, 2)
    return (spans[:, 0] >= start) & (spans[:, 1] <= end) & (spans[:, 1] > spans[:, 0])


def plan_batches(lengths: np.ndarray, batch_size: int, epochs: int, seed: int) -> list[np.ndarray]:
    """Indices of every step's batch. Within an epoch: by length with a jitter, so that batches
    differ from epoch to epoch and pad little; then in random order. The same for the same seed."""
    plan = []
    for epoch in range(epochs):
        rng = np.random.Generator(np.random.Philox(key=[seed, epoch]))
        order = rng.permutation(len(lengths))
        spread = max(6.0, 0.05 * float(lengths.max()))
        order = order[np.argsort(lengths[order] + rng.random(len(lengths)) * spread, kind="stable")]
        batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
        plan += [batches[i] for i in rng.permutation(len(batches))]
    return plan
