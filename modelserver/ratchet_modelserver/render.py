"""Response bodies in OpenAI's shapes (and vLLM's for `prompt_logprobs`)."""

from __future__ import annotations

import functools

import orjson

from .registry import Model
from .rows import Logprobs, Piece, PromptLogprobs, Row, Ticket


def completion(head: dict, model: Model, rows: list[Row], ticket: Ticket) -> bytes:
    """The body as JSON. Choice by choice: Python's lock is held for one of them at a time."""
    body = {
        **head,
        "object": "chat.completion",
        "system_fingerprint": model.fingerprint,
        "service_tier": None,
        "choices": [orjson.Fragment(orjson.dumps(choice(row))) for row in rows],
        "usage": usage(rows),
    }
    if ticket.prompt_logprobs is not None:
        body["prompt_logprobs"] = prompt_logprobs(rows[0], ticket.prompt_logprobs)
    return orjson.dumps(body)


def choice(row: Row) -> dict:
    tokenizer = row.model.base.tokenizer
    return {
        "index": row.index,
        "message": {"role": "assistant", "content": row.text, "refusal": None},
        "logprobs": None if row.logprobs is None else logprobs(tokenizer, row.tokens, row.logprobs),
        "finish_reason": row.finish_reason,
    }


def usage(rows: list[Row]) -> dict:
    prompt = len(rows[0].prompt)
    made = sum(row.completion_tokens for row in rows)
    return {"prompt_tokens": prompt, "completion_tokens": made, "total_tokens": prompt + made}


@functools.lru_cache(maxsize=1 << 18)
def token_text(tokenizer, id: int) -> str:
    """The text of one token alone; special tokens by name. Decoding one costs more than a small
    model's forward pass for it, and there are few of them."""
    return tokenizer.decode([id])


def named(tokenizer, id: int, logprob: float) -> dict:
    text = token_text(tokenizer, id)
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def logprobs(tokenizer, tokens: list[int], found: Logprobs) -> dict:
    content = []
    for i, token in enumerate(tokens):
        entry = named(tokenizer, token, float(found.chosen[i]))
        pairs = zip(found.top_ids[i].tolist(), found.top_values[i].tolist(), strict=True)
        entry["top_logprobs"] = [named(tokenizer, id, value) for id, value in pairs]
        content.append(entry)
    return {"content": content, "refusal": None}


def prompt_logprobs(row: Row, found: PromptLogprobs) -> list[dict | None]:
    """[null, {"<token id>": {logprob, rank, decoded_token}}, …]: the prompt's own token first."""
    tokenizer = row.model.base.tokenizer
    top = row.settings.prompt_logprobs
    entries: list[dict | None] = [None]
    for i, token in enumerate(row.prompt[1:]):
        entry = {str(token): ranked(tokenizer, token, found.chosen[i], int(found.ranks[i]))}
        for rank in range(min(top, found.top_ids.shape[1])):
            id = int(found.top_ids[i, rank])
            entry.setdefault(str(id), ranked(tokenizer, id, found.top_values[i, rank], rank + 1))
        entries.append(entry)
    return entries


def ranked(tokenizer, id: int, logprob: float, rank: int) -> dict:
    return {"logprob": float(logprob), "rank": rank, "decoded_token": token_text(tokenizer, id)}


def chunk(index: int, delta: dict, logprobs: dict | None, finish_reason: str | None) -> dict:
    return {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish_reason}


def streamed_logprobs(piece: Piece) -> dict | None:
    row = piece.row
    if row.settings.logprobs is None or row.logprobs is None:
        return None
    span = slice(piece.first_token, piece.last_token)
    return logprobs(
        row.model.base.tokenizer, row.tokens[span], row.logprobs.slice(span.start, span.stop)
    )


def event(body: dict) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"
