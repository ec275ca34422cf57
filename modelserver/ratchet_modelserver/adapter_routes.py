"""GET /v1/adapters/{model}/files: the adapter of a served model, for whoever takes it away.

Only the two files of a PEFT folder are given, by their exact names; nothing else of the disk can be
reached.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from .errors import bad_request, not_found
from .file_routes import respond
from .registry import Model

FILES = ("adapter_config.json", "adapter_model.safetensors")


def find(request: Request) -> tuple[Model, Path]:
    """The served model and its adapter folder. Raises 404 for an unknown model, 400 for a base."""
    model = request.app.state.engine.registry.resolve(request.path_params["model"])
    if model.folder is None:
        raise bad_request(f"'{model.id}' is a base model: it has no adapter.", "model")
    return model, model.folder


def describe(path: Path) -> dict:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": digest.hexdigest()}


def declared_name(folder: Path) -> str | None:
    """`_name_or_path` of the config.json: often the public id that the base was saved from."""
    try:
        name = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("_name_or_path")
    except (OSError, ValueError):
        return None
    return name if isinstance(name, str) and name else None


async def list_files(request: Request) -> Response:
    model, folder = find(request)
    try:
        data = [await asyncio.to_thread(describe, folder / name) for name in FILES]
    except FileNotFoundError as error:
        name = Path(error.filename).name
        raise not_found(f"The adapter of '{model.id}' has no {name} any more.", "model") from None
    return respond(
        {
            "object": "list",
            "model": model.id,
            "system_fingerprint": model.fingerprint,
            "base": {
                "id": model.base.id,
                "digest": model.base.digest,
                "path": str(model.base.path),
                "name": declared_name(model.base.path),
            },
            "data": data,
        }
    )


async def content(request: Request) -> Response:
    model, folder = find(request)
    name = request.path_params["name"]
    if name not in FILES:
        raise not_found(f"An adapter has {' and '.join(FILES)}, not {name}.", "name")
    if not (folder / name).is_file():
        raise not_found(f"The adapter of '{model.id}' has no {name} any more.", "model")
    return FileResponse(folder / name, media_type="application/octet-stream", filename=name)


routes = [
    # Model ids may hold slashes.
    Route("/v1/adapters/{model:path}/files", list_files),
    Route("/v1/adapters/{model:path}/files/{name}", content),
]
