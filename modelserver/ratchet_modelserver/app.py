"""The HTTP application: routes, and errors in OpenAI's shape."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import adapter_routes, chat, file_routes, job_routes
from .engine import Engine
from .errors import ApiError, bad_request
from .jobs import Jobs
from .registry import Model
from .store import Store

BUILTIN = Path(__file__).resolve().parent.parent / "builtin"


def json_response(body: dict, status: int = 200, headers: dict | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")


async def health(request: Request) -> Response:
    state = request.app.state
    engine: Engine = state.engine
    return json_response(
        {
            "status": "ok",
            "device": str(engine.registry.device),
            "models": list(engine.registry.models),
            "waiting": len(engine.waiting),
            "running": engine.running,
            "completions": engine.rows_done,
            "completion_tokens": engine.tokens_done,
            "training": state.jobs.current,
            "uptime_s": round(time.monotonic() - state.started, 1),
        }
    )


def model_object(model: Model) -> dict:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": "ratchet",
        "root": model.base.id,
        "parent": model.base.id if model.folder else None,
        "max_model_len": model.base.max_length,
        "system_fingerprint": model.fingerprint,
        "adapter_path": str(model.folder) if model.folder else None,
        # Whoever looks for "the" model of a server means the one that somebody put there.
        "builtin": model.base.path.resolve().is_relative_to(BUILTIN),
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
    request.app.state.jobs.delete_model(id)
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


def make_app(engine: Engine, store: Store, jobs: Jobs) -> FastAPI:
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
    app.add_exception_handler(Exception, on_crash)
    return app
