"""/v1/fine_tuning/jobs."""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .body import read_json
from .errors import ApiError, bad_request, not_found
from .file_routes import respond
from .schemas import Hyperparameters, JobRequest
from .served import checkpoint_name

OPENAI_HYPERPARAMETERS = ("batch_size", "n_epochs", "learning_rate_multiplier")
ENDED = ("succeeded", "failed", "cancelled")


def job_object(request: Request, job) -> dict:
    spec = json.loads(job["spec"])
    hyper = json.loads(job["resolved"]) if job["resolved"] else spec["hyper"]
    succeeded = job["status"] == "succeeded"
    folder = request.app.state.jobs.adapter_folder(job["id"])
    return {
        "id": job["id"],
        "object": "fine_tuning.job",
        "created_at": job["created_at"],
        "started_at": job["started_at"],
        "finished_at": job["finished_at"],
        "status": job["status"],
        "model": spec["model"],
        "fine_tuned_model": job["fine_tuned_model"],
        "organization_id": "local",
        "training_file": spec["training_file"],
        "validation_file": spec["validation_file"],
        "hyperparameters": hyper,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyper}},
        "seed": spec["seed"],
        "suffix": spec["suffix"],
        "metadata": spec["metadata"],
        "trained_tokens": job["trained_tokens"],
        "result_files": [],
        "integrations": [],
        "estimated_finish": None,
        "error": json.loads(job["error"]) if job["error"] else None,
        "adapter_path": str(folder) if succeeded and not job["deleted"] else None,
        "system_fingerprint": job["system_fingerprint"],
    }


def find(request: Request):
    id = request.path_params["id"]
    job = request.app.state.store.job(id)
    if job is None:
        raise not_found(
            f"Could not find fine tune: {id}", "fine_tuning_job_id", "fine_tune_not_found"
        )
    return job


async def create(request: Request) -> Response:
    body: JobRequest
    body, raw = await read_json(request, JobRequest)
    state = request.app.state
    key = request.headers.get("idempotency-key")
    digest = hashlib.sha256(
        orjson.dumps(orjson.loads(raw), option=orjson.OPT_SORT_KEYS)
    ).hexdigest()
    if key and (first := state.store.job_by_key(key)):
        if first["request_digest"] != digest:
            message = (
                f"Idempotency-Key '{key}' was used for a different request (job {first['id']})."
            )
            raise ApiError(409, message, code="idempotency_key_reused", type="idempotency_error")
        return respond(job_object(request, first))
    model = state.engine.registry.resolve(body.model)
    for field in ("training_file", "validation_file"):
        id = getattr(body, field)
        if id is not None and state.store.file(id) is None:
            raise bad_request(
                f"No such File object: {id}; upload it to /v1/files first.", field, "file_not_found"
            )
    if body.hyperparameters and body.method:
        raise bad_request("Give 'method' or 'hyperparameters', not both.", "hyperparameters")
    hyper = body.hyperparameters or (
        body.method.supervised.hyperparameters if body.method else Hyperparameters()
    )
    spec = {
        "model": body.model,
        "base": model.base.id,
        "parent": str(model.folder) if model.folder else None,
        "training_file": body.training_file,
        "validation_file": body.validation_file,
        "suffix": body.suffix,
        "seed": secrets.randbelow(2**31) if body.seed is None else body.seed,
        "metadata": body.metadata,
        "hyper": hyper.model_dump(),
    }
    try:
        return respond(job_object(request, await state.jobs.create(spec, key, digest)))
    except sqlite3.IntegrityError:
        # The same request, sent twice at once.
        return respond(job_object(request, state.store.job_by_key(key)))


def page(request: Request, rows: list, render, default: int = 20) -> Response:
    """OpenAI's cursor pages: `limit` rows, newest first, those after the one with id `after`."""
    query = request.query_params
    try:
        limit = int(query.get("limit", default))
        if limit < 1:
            raise ValueError
    except ValueError:
        raise bad_request(
            f"'limit' must be a whole number from 1, not {query['limit'][:100]!r}.", "limit"
        ) from None
    if after := query.get("after"):
        ids = [row["id"] for row in rows]
        if after not in ids:
            raise bad_request(f"'after' names nothing in this list: {after}", "after")
        rows = rows[ids.index(after) + 1 :]
    data = [render(row) for row in rows[:limit]]
    return respond(
        {
            "object": "list",
            "data": data,
            "has_more": len(rows) > limit,
            "first_id": data[0]["id"] if data else None,
            "last_id": data[-1]["id"] if data else None,
        }
    )


async def list_all(request: Request) -> Response:
    query = request.query_params
    wanted = {
        key[len("metadata[") : -1]: value
        for key, value in query.items()
        if key.startswith("metadata[") and key.endswith("]")
    }
    rows = []
    for job in request.app.state.store.jobs():
        metadata = json.loads(job["spec"])["metadata"] or {}
        if all(metadata.get(key) == value for key, value in wanted.items()):
            rows.append(job)
    return page(request, rows, lambda job: job_object(request, job))


async def get(request: Request) -> Response:
    return respond(job_object(request, find(request)))


async def events(request: Request) -> Response:
    def render(event) -> dict:
        return {
            "id": event["id"],
            "object": "fine_tuning.job.event",
            "created_at": event["created_at"],
            "level": event["level"],
            "message": event["message"],
            "type": event["type"],
            "data": json.loads(event["data"]) if event["data"] else None,
        }

    return page(request, request.app.state.store.events(find(request)["id"]), render)


async def checkpoints(request: Request) -> Response:
    job = find(request)
    served = request.app.state.engine.registry.models

    def render(row) -> dict:
        name = checkpoint_name(job, row["step"])
        return {
            "id": row["id"],
            "object": "fine_tuning.job.checkpoint",
            "created_at": row["created_at"],
            "fine_tuning_job_id": job["id"],
            "fine_tuned_model_checkpoint": name,
            "served": name in served,
            "step_number": row["step"],
            "metrics": json.loads(row["metrics"]),
        }

    return page(request, request.app.state.store.checkpoints(job["id"]), render, default=10)


async def cancel(request: Request) -> Response:
    job = find(request)
    if job["status"] in ENDED:
        raise bad_request(
            f"The job has already {job['status']}; it cannot be cancelled.", code="job_ended"
        )
    request.app.state.jobs.cancel(job["id"])
    return respond(job_object(request, request.app.state.store.job(job["id"])))


routes = [
    Route("/v1/fine_tuning/jobs", create, methods=["POST"]),
    Route("/v1/fine_tuning/jobs", list_all),
    Route("/v1/fine_tuning/jobs/{id}", get),
    Route("/v1/fine_tuning/jobs/{id}/events", events),
    Route("/v1/fine_tuning/jobs/{id}/checkpoints", checkpoints),
    Route("/v1/fine_tuning/jobs/{id}/cancel", cancel, methods=["POST"]),
]
