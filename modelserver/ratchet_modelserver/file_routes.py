"""/v1/files: training data, kept until deleted."""

from __future__ import annotations

import asyncio
from pathlib import PurePosixPath

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from .body import read_form
from .errors import bad_request, clipped, not_found

PURPOSES = ("fine-tune",)


def respond(body: dict) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def file_object(row) -> dict:
    return {
        "id": row["id"],
        "object": "file",
        "bytes": row["bytes"],
        "created_at": row["created_at"],
        "filename": row["filename"],
        "purpose": row["purpose"],
        "status": "processed",
        "expires_at": None,
        "status_details": None,
    }


def find(request: Request):
    id = request.path_params["id"]
    row = request.app.state.store.file(id)
    if row is None:
        raise not_found(f"No such File object: {id}", "id")
    return row


async def create(request: Request) -> Response:
    store = request.app.state.store
    form = await read_form(request)
    try:
        purpose, upload = form.get("purpose"), form.get("file")
        if purpose not in PURPOSES:
            given = repr(purpose)[:100]
            raise bad_request(
                f"'purpose' must be one of {', '.join(PURPOSES)}, not {given}.", "purpose"
            )
        if upload is None or isinstance(upload, str):
            raise bad_request("'file' must be a file in the multipart form.", "file")
        if not upload.size:
            raise bad_request("The file is empty.", "file")
        # A name for people: the content lies under the file's id.
        name = clipped(PurePosixPath(upload.filename or "").name, 200) or "upload.jsonl"
        id, size = await asyncio.to_thread(store.write_file, upload.file)
    finally:
        await form.close()
    return respond(file_object(store.add_file(id, name, purpose, size)))


async def list_all(request: Request) -> Response:
    purpose = request.query_params.get("purpose")
    rows = request.app.state.store.files()
    data = [file_object(row) for row in rows if purpose in (None, row["purpose"])]
    return respond({"object": "list", "data": data, "has_more": False})


async def get(request: Request) -> Response:
    return respond(file_object(find(request)))


async def content(request: Request) -> Response:
    row = find(request)
    path = request.app.state.store.file_path(row["id"])
    if not path.is_file():
        raise not_found(f"The content of {row['id']} is gone from the disk.", "id")
    return FileResponse(path, media_type="application/octet-stream", filename=row["filename"])


async def delete(request: Request) -> Response:
    row = find(request)
    request.app.state.store.delete_file(row["id"])
    return respond({"id": row["id"], "object": "file", "deleted": True})


routes = [
    Route("/v1/files", create, methods=["POST"]),
    Route("/v1/files", list_all),
    Route("/v1/files/{id}", get),
    Route("/v1/files/{id}", delete, methods=["DELETE"]),
    Route("/v1/files/{id}/content", content),
]
