"""POST /v1/chat/completions. The busiest route: plain Starlette, no work per request that could
be avoided."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from . import render
from .body import read_json
from .engine import Engine
from .errors import ApiError, bad_request
from .formats import read_format
from .guides import make_guides
from .registry import Model
from .rows import Row, Settings, Ticket
from .sampling import derive_seeds
from .schemas import ChatRequest

LONG = 16 << 10
"""Bytes of a request from which its prompt is rendered and read in other threads: it would hold up
everybody else."""
reading = ThreadPoolExecutor(2, "prompt")
MOST_LOGPROBS = 2_000_000


async def complete(request: Request) -> Response:
    body: ChatRequest
    body, raw = await read_json(request, ChatRequest)
    engine: Engine = request.app.state.engine
    model = engine.registry.resolve(body.model)
    if len(raw) > LONG:
        loop = asyncio.get_running_loop()
        prompt = await loop.run_in_executor(reading, read_prompt, model, body)
    else:
        prompt = read_prompt(model, body)
    n = body.n or 1
    guides = await make_guides(model.base.vocabulary, read_schema(body), prompt, n)
    settings = read_settings(model, body, len(prompt))
    loop = asyncio.get_running_loop()
    ticket = Ticket(loop, loop.create_future(), pending=n)
    if settings.stream:
        ticket.pieces = asyncio.Queue()
    seed = secrets.randbits(63) if body.seed is None else body.seed
    rows = [
        Row(model, prompt, choice_seed, settings, ticket, index, guide)
        for index, (choice_seed, guide) in enumerate(
            zip(derive_seeds(seed, n).tolist(), guides, strict=True)
        )
    ]
    engine.submit(rows)
    head = {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "created": int(time.time()),
        "model": model.id,
    }
    if settings.stream:
        usage = bool(body.stream_options and body.stream_options.include_usage)
        events = stream(request, ticket, rows, head, usage)
        return StreamingResponse(events, media_type="text/event-stream")
    await finished(request, ticket)
    if settings.logprobs is not None or ticket.prompt_logprobs is not None:
        answer = await asyncio.to_thread(render.completion, head, model, rows, ticket)
    else:
        answer = render.completion(head, model, rows, ticket)
    return Response(answer, media_type="application/json")


def read_prompt(model: Model, body: ChatRequest) -> list[int]:
    messages = [message.plain() for message in body.messages]
    if body.continue_final_message and body.add_generation_prompt:
        if "add_generation_prompt" in body.model_fields_set:
            raise bad_request(
                "'continue_final_message' and 'add_generation_prompt' cannot both be true.",
                "continue_final_message",
            )
        body.add_generation_prompt = False
    return model.base.template.ids(
        messages,
        body.add_generation_prompt,
        body.continue_final_message,
        body.chat_template_kwargs,
        model.base.max_length,
    )


def read_schema(body: ChatRequest) -> dict | None:
    schema = read_format(body.response_format)
    if schema is not None and body.continue_final_message:
        raise bad_request(
            "'response_format' holds for whole answers; it cannot go with "
            "'continue_final_message'.",
            "response_format",
        )
    return schema


def read_settings(model: Model, body: ChatRequest, prompt_tokens: int) -> Settings:
    limit = model.base.max_length
    field, wanted = "max_completion_tokens", body.max_completion_tokens
    if wanted is None:
        field, wanted = "max_tokens", body.max_tokens
    if wanted == 0 and body.prompt_logprobs is None:
        raise bad_request(f"'{field}' must be at least 1 (0 goes with 'prompt_logprobs').", field)
    room = limit - prompt_tokens
    needed = 1 if wanted is None else wanted
    if needed > room:
        raise bad_request(
            f"This model's context is {limit} tokens; the messages take {prompt_tokens} and the "
            f"completion {needed}. Shorten the messages or lower '{field}'.",
            "messages" if room < 1 or wanted is None else field,
            "context_length_exceeded",
        )
    if body.top_logprobs and not body.logprobs:
        raise bad_request("'top_logprobs' needs 'logprobs': true.", "top_logprobs")
    if body.stream and body.prompt_logprobs is not None:
        raise bad_request("'prompt_logprobs' cannot be streamed.", "prompt_logprobs")
    if body.logprobs:
        refuse_many((body.n or 1) * (needed if wanted else room), body.top_logprobs or 0, "logprobs")
    if body.prompt_logprobs is not None:
        refuse_many(prompt_tokens, body.prompt_logprobs, "prompt_logprobs")
    stop = (body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ())
    if "" in stop:
        raise bad_request("A stop string must not be empty.", "stop")
    return Settings(
        max_tokens=room if wanted is None else wanted,
        temperature=1.0 if body.temperature is None else body.temperature,
        top_p=1.0 if body.top_p is None else body.top_p,
        top_k=max(0, body.top_k or 0),
        stop=stop + model.base.template.stops,
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        prompt_logprobs=body.prompt_logprobs,
        stream=bool(body.stream),
    )


def refuse_many(tokens: int, alternatives: int, field: str) -> None:
    """Raises a 400 for more log probabilities than one answer can hold."""
    entries = tokens * (1 + alternatives)
    if entries > MOST_LOGPROBS:
        raise bad_request(
            f"'{field}' comes to {entries:,} log probabilities; one answer has at most "
            f"{MOST_LOGPROBS:,}. Lower 'n', 'max_tokens' or the alternatives.",
            field,
        )


async def finished(request: Request, ticket: Ticket) -> None:
    """Wait for every row. A caller who hangs up cancels them."""
    watcher = asyncio.ensure_future(request.receive())

    def hung_up(_: asyncio.Future) -> None:
        if not ticket.done.done():
            ticket.cancelled = True
            ticket.done.set_exception(ApiError(499, "The client closed the connection."))

    watcher.add_done_callback(hung_up)
    try:
        await ticket.done
    finally:
        ticket.cancelled = True  # after the end this means nothing; before it, stop the rows
        watcher.remove_done_callback(hung_up)
        watcher.cancel()


async def stream(
    request: Request, ticket: Ticket, rows: list[Row], head: dict, usage: bool
) -> AsyncIterator[bytes]:
    """Server-sent events: a role chunk per choice, pieces as they come, `[DONE]`."""
    head = {
        **head,
        "object": "chat.completion.chunk",
        "system_fingerprint": rows[0].model.fingerprint,
    }
    if usage:
        head["usage"] = None
    try:
        for row in rows:
            delta = {"role": "assistant", "content": "", "refusal": None}
            yield render.event({**head, "choices": [render.chunk(row.index, delta, None, None)]})
        left = len(rows)
        while left:
            piece = await ticket.pieces.get()
            if isinstance(piece, BaseException):
                body = (
                    piece.body
                    if isinstance(piece, ApiError)
                    else {"error": {"message": str(piece)}}
                )
                yield render.event(body)
                return
            if piece.text or piece.last_token > piece.first_token:
                logprobs = render.streamed_logprobs(piece)
                choice = render.chunk(piece.row.index, {"content": piece.text}, logprobs, None)
                yield render.event({**head, "choices": [choice]})
            if piece.finish_reason:
                left -= 1
                choice = render.chunk(piece.row.index, {}, None, piece.finish_reason)
                yield render.event({**head, "choices": [choice]})
        if usage:
            yield render.event({**head, "choices": [], "usage": render.usage(rows)})
        yield b"data: [DONE]\n\n"
    finally:
        ticket.cancelled = True
        if ticket.done.done():
            ticket.done.exception()  # reported above
