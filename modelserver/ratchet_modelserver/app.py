"""The HTTP application: routes, and errors in OpenAI's shape."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import adapter_routes, built_in, chat, disk, file_routes, job_routes
from .access import Access
from .engine import Engine
from .errors import ApiError, bad_request, disk_full
from .health import examine
from .jobs import Jobs
from .log import one_line
from .registry import Model
from .store import Store


def json_response(body: dict, status: int = 200, headers: dict | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")


@dataclass(frozen=True)
class Doors:
    """Who may ask, and how much at once; see access.py and body.py."""

    hosts: list[str] = field(default_factory=list)
    api_key: str | None = None
    max_body: int = 8 << 20
    """Bytes of a JSON body."""
    max_upload: int = 512 << 20
    """Bytes of an upload."""


async def health(request: Request) -> Response:
    """503 when nothing can be generated; 200 with `status: "degraded"` for what is less than that."""
    status, body = examine(request.app.state)
    return json_response(body, status)


def model_object(model: Model) -> dict:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": "ratchet",
        "root": model.base.id,
        "parent": model.base.id if model.folder else None,
        "max_model_len": model.base.max_length,
        "parameters": model.base.parameters,
        "weight_bytes": model.weight_bytes,
        "system_fingerprint": model.fingerprint,
        "adapter_path": str(model.folder) if model.folder else None,
        # Whoever looks for "the" model of a server means the one that somebody put there.
        "builtin": model.base.path.resolve().is_relative_to(built_in.FOLDER),
        "chat_template": model.base.template.describe(),
    }


async def list_models(request: Request) -> Response:
    models = request.app.state.engine.registry.models.values()
    return json_response({"object": "list", "data": [model_object(model) for model in models]})


async def get_model(request: Request) -> Response:
    registry = request.app.state.engine.registry
    return json_response(model_object(registry.resolve(request.path_params["id"])))


async def delete_model(request: Request) -> Response:
    """Stop serving a fine-tuned model and delete its adapter."""
    id = request.path_params["id"]
    model = request.app.state.engine.registry.resolve(id)
    if not model.fine_tuned:
        raise bad_request(
            f"'{id}' was given on the command line; only fine-tuned models can be deleted.", "model"
        )
    request.app.state.jobs.served.delete(id)
    return json_response({"id": id, "object": "model", "deleted": True})


async def on_api_error(_: Request, error: ApiError) -> Response:
    return json_response(error.body, error.status, error.headers)


async def on_http_error(request: Request, error: HTTPException) -> Response:
    message = f"{error.detail}: {request.method} {request.url.path}"
    return json_response(
        ApiError(error.status_code, message).body, error.status_code, error.headers
    )


async def on_crash(_: Request, error: Exception) -> Response:
    return json_response(ApiError(500, f"{type(error).__name__}: {error}").body, 500)


def on_disk(store: Store) -> Callable:
    """What a caller sees whose request the disk did not take."""

    async def answer(request: Request, error: Exception) -> Response:
        if disk.is_full(error) or disk.refuses_writes(error):
            store.trouble = one_line(error)
            return await on_api_error(request, disk_full(store.folder, error))
        return await on_crash(request, error)

    return answer


def make_app(engine: Engine, store: Store, jobs: Jobs, doors: Doors = Doors()) -> FastAPI:  # noqa: B008
    @asynccontextmanager
    async def lifespan(_: FastAPI):
        engine.start()
        await jobs.start()
        yield
        await jobs.stop()
        engine.stop()

    app = FastAPI(title="Ratchet model server", lifespan=lifespan, openapi_url=None)
    app.state.engine, app.state.store, app.state.jobs = engine, store, jobs
    app.state.started = time.monotonic()
    app.state.max_body, app.state.max_upload = doors.max_body, doors.max_upload
    app.router.routes += [
        Route("/v1/chat/completions", chat.complete, methods=["POST"]),
        Route("/health", health),
        Route("/v1/models", list_models),
        # Model ids may hold slashes.
        Route("/v1/models/{id:path}", get_model),
        Route("/v1/models/{id:path}", delete_model, methods=["DELETE"]),
        *adapter_routes.routes,
        *file_routes.routes,
        *job_routes.routes,
    ]
    app.add_exception_handler(ApiError, on_api_error)
    app.add_exception_handler(HTTPException, on_http_error)
    app.add_exception_handler(sqlite3.Error, on_disk(store))
    app.add_exception_handler(OSError, on_disk(store))
    app.add_exception_handler(Exception, on_crash)
    app.add_middleware(Access, hosts=doors.hosts, api_key=doors.api_key, refuse=on_api_error)
    return app
