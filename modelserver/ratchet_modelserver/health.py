"""GET /health: whether the server does what it is there for, and if not, what is wrong."""

from __future__ import annotations

import time

from . import disk

STUCK_SECONDS = 300
"""Rows in flight of which none has moved on for so long."""


def examine(state) -> tuple[int, dict]:
    """(HTTP status, body) for the application's state."""
    engine, jobs, store = state.engine, state.jobs, state.store
    broken, problems = [], []
    if not engine.alive():
        broken.append("the threads that generate have ended: restart the server")
    elif (idle := engine.stuck_seconds()) > STUCK_SECONDS:
        broken.append(f"generation has not moved on for {idle:.0f} seconds: restart the server")
    free = disk.free_bytes(store.folder)
    if store.trouble is not None:
        problems.append(
            f"the disk of {store.folder} takes nothing ({store.trouble}): free some space there; "
            "what jobs report is kept in memory until then"
        )
    elif free is not None and free < disk.LITTLE:
        problems.append(f"the disk of {store.folder} has {free >> 20} MB left: free some space there")
    if jobs.trouble is not None:
        problems.append(f"training: {jobs.trouble}")
    for model, reason in engine.registry.not_served.items():
        problems.append(f"{model} is not served: {reason}")
    body = {
        "status": "failing" if broken else "degraded" if problems else "ok",
        "problems": broken + problems,
        "device": str(engine.registry.device),
        "models": list(engine.registry.models),
        "waiting": len(engine.waiting),
        "running": engine.running,
        "expected_wait_s": round(engine.load.expected_wait(), 1),
        "completions": engine.rows_done,
        "completion_tokens": engine.tokens_done,
        "training": jobs.current,
        "disk_free_mb": None if free is None else free >> 20,
        "uptime_s": round(time.monotonic() - state.started, 1),
    }
    return (503 if broken else 200), body
