"""What a trainer's process says while it runs a job, and what is made of it."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from typing import TYPE_CHECKING

from .command import silence_seconds
from .log import one_line
from .served import model_name
from .store import Store

if TYPE_CHECKING:
    from .jobs import Jobs

GRACE_SECONDS = 30
"""Beyond the silence that a train command is granted, which ends by itself; and for the end of a
process that has reported its own."""
EXIT_SECONDS = 10
"""For the end of a process that was killed."""


async def follow(jobs: Jobs, id: str) -> str | None:
    """Record the trainer's events until its process has ended. How it died, or None after an
    end that it reported itself."""
    store = jobs.store
    reported = silent = False
    limit = patience()
    while True:
        try:
            event = await asyncio.wait_for(jobs.trainer.event(), limit)
        except asyncio.TimeoutError:
            if silent:
                jobs.trainer.kill()  # not even the end of the killed process is told
                return describe_silence(reported)
            silent, limit = True, EXIT_SECONDS
            jobs.signal(signal.SIGKILL)
            continue
        if event is None:
            return None if reported else "its parent process ended"
        kind = event["type"]
        if silent and kind == "exit":
            return describe_silence(reported)
        if kind == "exit":
            return None if reported else describe_exit(event["status"])
        if kind == "started":
            jobs.child = event["pid"]
            if store.job(id)["status"] != "running":
                jobs.signal(signal.SIGKILL)  # cancelled in between
            elif jobs.stopping:
                jobs.signal(signal.SIGTERM)
        elif store.job(id)["status"] != "running":
            continue
        elif kind == "training":
            on_training(store, id, event)
        elif kind == "metrics":
            data = {key: value for key, value in event.items() if key != "type"}
            done, loss = f"{event['step']}/{event['total_steps']}", event["train_loss"]
            message = f"Step {done}: training loss={loss:.4f}"
            store.add_event(id, message, type="metrics", data=data)
        elif kind == "checkpoint":
            store.update_job(id, attempts=0)
            store.add_checkpoint(id, event["step"], event["metrics"])
            rows = store.checkpoints(id)
            await asyncio.to_thread(
                jobs.served.serve_checkpoints, store.job(id), rows
            )
        elif kind == "warning":
            store.add_event(id, event["message"], "warn")
        elif kind in ("stopped", "failed", "done"):
            reported, limit = True, GRACE_SECONDS
            if kind == "failed":
                jobs.fail(id, event["code"], event["message"], event["param"])
            elif kind == "done":
                await succeed(jobs, id, event)


def on_training(store: Store, id: str, event: dict) -> None:
    store.forget_metrics_after(id, event["step"])
    store.update_job(id, resolved=json.dumps(event["hyperparameters"]))
    message = f"Training on {event['examples']} examples, {event['total_steps']} steps"
    if event["step"]:
        message += f", continuing after step {event['step']}"
    data = {"step": event["step"], "total_steps": event["total_steps"]}
    store.add_event(id, message + ".", data=data)


async def succeed(jobs: Jobs, id: str, event: dict) -> None:
    jobs.store.update_job(id, finished_at=int(time.time()))
    job = jobs.store.job(id)
    try:
        fingerprint = await asyncio.to_thread(jobs.served.serve, job)
    except (ValueError, OSError) as error:
        jobs.fail(id, "adapter_unusable", f"The adapter cannot be served: {one_line(error)}")
        return
    if jobs.store.job(id)["status"] != "running":
        return  # cancelled in between
    message = f"New fine-tuned model created: {model_name(job)}"
    jobs.store.add_event(
        id, message, data={"valid_loss": event["valid_loss"], "step": event["step"]}
    )
    # Last, so that whoever sees `succeeded` finds the model served.
    jobs.store.update_job(
        id,
        status="succeeded",
        trained_tokens=event["trained_tokens"],
        fine_tuned_model=model_name(job),
        system_fingerprint=fingerprint,
    )


def describe_silence(reported: bool) -> str | None:
    return None if reported else f"it made no progress for {patience():g} seconds and was ended"


def patience() -> float:
    """Seconds without a word from a trainer after which it is taken to hang."""
    return silence_seconds() + min(GRACE_SECONDS, silence_seconds())


def describe_exit(status: int) -> str:
    if status < 0:
        return f"killed by signal {-status} ({signal.Signals(-status).name})"
    return f"it exited with code {status}"
