"""Bodies of requests, under limits: their kind is known before, and their size while they are read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from .errors import ApiError, bad_request, too_large
from .schemas import parse

LARGE = 64 << 10
"""Bytes from which a body is read as JSON in another thread: more would hold up everybody else."""
PART_HEAD = 16 << 10
"""Bytes of the headers of one part of a form."""


def kind_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def megabytes(size: int) -> str:
    return f"{size / (1 << 20):g} MB"


async def chunks(request: Request, most: int, option: str) -> AsyncIterator[bytes]:
    """The body as it comes. Raises a 413 at its declared length, or once it is longer."""
    message = f"The body has more than {megabytes(most)}, which is what this server takes ({option})."
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > most:
        raise too_large(message)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise too_large(message)
        yield chunk


async def read_json(request: Request, model: type) -> tuple[Any, bytes]:
    """(the body as `model`, its bytes). Raises a 415 for another kind of body, 413 for one that is
    too long, 400 for a field that is wrong. A page of another site can send no JSON unasked."""
    if kind_of(request) != "application/json":
        raise ApiError(
            415,
            "Send JSON, with 'Content-Type: application/json'"
            f" (not '{kind_of(request)[:100]}').",
            code="unsupported_media_type",
        )
    most = request.app.state.max_body
    raw = b"".join([chunk async for chunk in chunks(request, most, "--max-body-mb")])
    if len(raw) > LARGE:
        return await asyncio.to_thread(parse, model, raw), raw
    return parse(model, raw), raw


class Form(MultiPartParser):
    """Starlette's, with an end to the headers of a part."""

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self.bound(self._current_partial_header_name, end - start)
        super().on_header_field(data, start, end)

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self.bound(self._current_partial_header_value, end - start)
        super().on_header_value(data, start, end)

    def bound(self, have: bytes, more: int) -> None:
        if len(have) + more > PART_HEAD or len(self._current_part.item_headers) > 32:
            raise MultiPartException("The headers of a part are too long.")


async def read_form(request: Request) -> FormData:
    """The fields and the one file of an upload, which lies on the disk. The caller closes it. Raises
    a 415, a 413 or a 400."""
    if kind_of(request) != "multipart/form-data":
        raise ApiError(
            415,
            "Send the file as multipart/form-data, with 'purpose' and 'file'.",
            code="unsupported_media_type",
        )
    stream = chunks(request, request.app.state.max_upload, "--max-upload-mb")
    try:
        return await Form(request.headers, stream, max_files=1, max_fields=8).parse()
    except MultiPartException as error:
        raise bad_request(f"The form cannot be read: {error.message}") from None
