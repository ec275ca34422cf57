"""Training files: OpenAI's chat JSONL, checked line by line, and turned into tokens with a loss
mask.

The loss is on assistant messages and their end token. Where the chat template closes an assistant
message with the end token, that is the target; where it writes none, the end token is added, so
that the model learns to stop.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, ValidationError
from transformers import PreTrainedTokenizerBase

from .prompts import encode, render
from .schemas import Message


class BadData(ValueError):
    """A training file that cannot be used; the message names the line and the reason."""


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")
    messages: list[Message]


@dataclass(slots=True)
class Example:
    tokens: np.ndarray
    """int64 [length]"""
    trained: np.ndarray
    """bool [length]: tokens that the loss counts"""


def read_lines(path: Path) -> list[tuple[int, list[Message]]]:
    """(line number, messages) of every line. Raises BadData for the first bad one."""
    examples = []
    for number, raw in enumerate(path.read_bytes().splitlines(), 1):
        if not raw.strip():
            continue
        try:
            line = Line.model_validate(orjson.loads(raw))
        except orjson.JSONDecodeError as error:
            raise BadData(f"line {number} is not valid JSON: {error}") from None
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            raise BadData(f"line {number}: {field or 'the line'}: {first['msg']}") from None
        if not line.messages or line.messages[-1].role != "assistant":
            raise BadData(f"line {number}: the last message must be the assistant's")
        if not line.messages[-1].plain()["content"]:
            raise BadData(f"line {number}: the last message is empty, so there is nothing to learn")
        examples.append((number, line.messages))
    if not examples:
        raise BadData("the file has no examples")
    return examples


def read_examples(
    path: Path, tokenizer: PreTrainedTokenizerBase, eos_ids: list[int], max_length: int
) -> list[Example]:
    """Raises BadData for a line that is malformed, too long for the model, or without anything
    to learn."""
    examples = []
    for number, messages in read_lines(path):
        example = tokenize(messages, tokenizer, eos_ids)
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


def tokenize(
    messages: list[Message], tokenizer: PreTrainedTokenizerBase, eos_ids: list[int]
) -> Example:
    """Tokens exactly as generation would see them: each assistant message follows the rendered
    generation prompt, tokenised apart from it."""
    plain = [message.plain() for message in messages]
    eos_id = tokenizer.eos_token_id if tokenizer.eos_token_id is not None else eos_ids[0]
    eos_text = tokenizer.convert_ids_to_tokens(eos_id)
    tokens: list[int] = []
    trained: list[bool] = []
    consumed = ""

    def add(text: str, learn: bool) -> None:
        special = not tokenizer.chat_template and not tokens
        ids = encode(tokenizer, text, special) if text else []
        tokens.extend(ids)
        trained.extend([learn] * len(ids))

    turns = [i for i, message in enumerate(messages) if message.role == "assistant"]
    for i in turns:
        prompt = render(tokenizer, plain[:i]) if i else ""
        whole = render(tokenizer, plain[: i + 1], add_generation_prompt=False)
        last = i == turns[-1]
        if not prompt.startswith(consumed) or not whole.startswith(prompt):
            # The template rewrites earlier turns (it drops reasoning, say): learn the last answer
            # only.
            if not last:
                continue
            tokens.clear()
            trained.clear()
            consumed = ""
        answer, ended = target(whole, prompt, plain[i]["content"], eos_text)
        add(prompt[len(consumed) :], False)
        add(answer, messages[i].weight != 0)
        consumed = prompt + answer
        if last and not ended:
            tokens.append(eos_id)
            trained.append(messages[i].weight != 0)
    return Example(np.array(tokens, dtype=np.int64), np.array(trained, dtype=bool))


def target(whole: str, prompt: str, content: str, eos_text: str) -> tuple[str, bool]:
    """(what the model should write after `prompt`, whether it includes the end token)."""
    written = whole[len(prompt) :] if whole.startswith(prompt) else content
    start = written.find(content)
    if start < 0:  # templates that strip white space
        start, content = written.find(content.strip()), content.strip()
    if start < 0:
        return content, False
    end = written.find(eos_text, start + len(content))
    if end >= 0:
        return written[: end + len(eos_text)], True
    return written[: start + len(content)], False


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
