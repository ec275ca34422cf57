"""What jobs made, as models: adapters of finished jobs, and the checkpoints that still lie on disk.
One that is damaged is not served and said so; everything else is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from .log import say
from .registry import Registry
from .store import Store


def model_name(job) -> str:
    spec = json.loads(job["spec"])
    return f"ft:{spec['base']}:{spec['suffix'] or ''}:{job['id'][-8:]}"


def checkpoint_name(job, step: int) -> str:
    return f"{model_name(job)}:ckpt-step-{step}"


class Served:
    """Its methods read adapters whole, so they run in threads; the store's rows come from outside."""

    def __init__(self, store: Store, registry: Registry):
        self.store, self.registry = store, registry

    def adapter_folder(self, job_id: str) -> Path:
        return self.store.folder / "adapters" / job_id

    def training_folder(self, job_id: str) -> Path:
        return self.store.folder / "training" / job_id

    def load(self) -> None:
        """Serve what earlier jobs made."""
        for job in reversed(self.store.jobs()):
            if job["deleted"]:
                continue
            if job["status"] == "succeeded":
                try:
                    self.serve(job)
                except (ValueError, OSError) as error:
                    say(f"not serving {model_name(job)}: {error}")
            self.serve_checkpoints(job, self.store.checkpoints(job["id"]))

    def serve(self, job) -> str:
        """Serve a finished job's adapter. Its fingerprint. Raises ValueError or OSError when it cannot
        be served: its base is not loaded this time, or its folder is gone or damaged."""
        base = json.loads(job["spec"])["base"]
        model = self.registry.add_adapter(
            model_name(job),
            base,
            self.adapter_folder(job["id"]),
            job["finished_at"],
            fine_tuned=True,
        )
        return model.fingerprint

    def serve_checkpoints(self, job, rows: list) -> None:
        """Serve the checkpoints that still lie on disk; forget those that do not."""
        base = json.loads(job["spec"])["base"]
        for row in rows:
            name = checkpoint_name(job, row["step"])
            folder = self.training_folder(job["id"]) / f"step-{row['step']}"
            if not folder.exists():
                self.registry.remove(name)
            elif name not in self.registry.models and base in self.registry.bases:
                try:
                    self.registry.add_adapter(
                        name, base, folder, row["created_at"], fine_tuned=True
                    )
                except (ValueError, OSError) as error:
                    say(f"not serving {name}: {error}")

    def delete(self, id: str) -> None:
        """Delete a fine-tuned model, or one of its checkpoints, from memory and disk."""
        model = self.registry.models[id]
        self.registry.remove(id)
        # Before the row: on a full disk, the row needs the room.
        shutil.rmtree(model.folder, ignore_errors=True)
        for job in self.store.jobs():
            if model_name(job) == id:
                self.store.update_job(job["id"], deleted=1)
