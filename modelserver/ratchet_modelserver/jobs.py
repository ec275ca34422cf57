"""Fine-tuning jobs: one at a time, each in a trainer process, continued after any crash."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path

from . import dataset
from .link import TrainerLink
from .registry import Registry
from .store import Store

MAX_DEATHS = 3
"""Deaths of the trainer without a new training checkpoint in between, after which a job fails."""
STOP_SECONDS = 4


class Jobs:
    """Supervises the jobs in the store. Belongs to the event loop."""

    def __init__(self, store: Store, registry: Registry, forked, threads: int, command=None):
        """command: what trains in place of our own trainer; see command.py."""
        self.store, self.registry, self.threads = store, registry, threads
        self.command = command
        self.trainer = TrainerLink(forked)
        self.current: str | None = None
        self.child: int | None = None
        self.stopping = False
        self.wake = asyncio.Event()
        self.task: asyncio.Task | None = None
        self.validations: set[asyncio.Task] = set()

    async def start(self) -> None:
        self.load_models()
        await self.trainer.connect()  # ahead of the first job: its imports take seconds
        for job in self.store.jobs("validating_files"):
            self.start_validation(job)
        self.task = asyncio.create_task(self.supervise())

    async def stop(self) -> None:
        """Let the running trainer save a checkpoint; the job continues at the next start."""
        self.stopping = True
        self.wake.set()
        self.signal(signal.SIGTERM)
        if self.task:
            done, _ = await asyncio.wait([self.task], timeout=STOP_SECONDS)
            if not done:
                self.signal(signal.SIGKILL)
                self.task.cancel()
        self.trainer.close()

    def signal(self, number: int) -> None:
        if self.child is not None:
            try:
                os.kill(self.child, number)
            except ProcessLookupError:
                pass

    # Models

    def adapter_folder(self, job_id: str) -> Path:
        return self.store.folder / "adapters" / job_id

    def training_folder(self, job_id: str) -> Path:
        return self.store.folder / "training" / job_id

    def load_models(self) -> None:
        """Serve the adapters of earlier jobs again."""
        for job in reversed(self.store.jobs()):
            if job["deleted"]:
                continue
            if job["status"] == "succeeded":
                self.serve(job["id"])
            self.serve_checkpoints(job["id"])

    def serve(self, job_id: str) -> str | None:
        """Serve a finished job's adapter. Its fingerprint, or None when it cannot be served (its
        base is not loaded this time, or its folder is gone)."""
        job = self.store.job(job_id)
        base = json.loads(job["spec"])["base"]
        try:
            model = self.registry.add_adapter(
                model_name(job),
                base,
                self.adapter_folder(job_id),
                job["finished_at"],
                fine_tuned=True,
            )
        except (ValueError, OSError) as error:
            print(f"not serving {model_name(job)}: {error}", file=sys.stderr, flush=True)
            return None
        return model.fingerprint

    def serve_checkpoints(self, job_id: str) -> None:
        """Serve the checkpoints that still lie on disk; forget those that do not."""
        job = self.store.job(job_id)
        base = json.loads(job["spec"])["base"]
        for row in self.store.checkpoints(job_id):
            name = checkpoint_name(job, row["step"])
            folder = self.training_folder(job_id) / f"step-{row['step']}"
            if not folder.exists():
                self.registry.remove(name)
            elif name not in self.registry.models:
                try:
                    self.registry.add_adapter(
                        name, base, folder, row["created_at"], fine_tuned=True
                    )
                except (ValueError, OSError):
                    pass  # the base is not loaded this time

    def delete_model(self, id: str) -> None:
        """Delete a fine-tuned model, or one of its checkpoints, from memory and disk."""
        model = self.registry.models[id]
        self.registry.remove(id)
        for job in self.store.jobs():
            if model_name(job) == id:
                self.store.update_job(job["id"], deleted=1)
        shutil.rmtree(model.folder, ignore_errors=True)

    # Jobs

    def create(self, spec: dict, key: str | None, digest: str):
        """Store a new job, with its own copies of the files, and queue it."""
        job = self.store.add_job(spec, key, digest)
        folder = self.training_folder(job["id"])
        folder.mkdir()
        for field, name in (("training_file", "train.jsonl"), ("validation_file", "valid.jsonl")):
            if spec[field]:
                source = self.store.file_path(spec[field])
                try:
                    os.link(source, folder / name)
                except OSError:
                    shutil.copyfile(source, folder / name)
        self.store.add_event(job["id"], f"Created fine-tuning job: {job['id']}")
        self.start_validation(job)
        return job

    def cancel(self, job_id: str) -> None:
        self.store.update_job(job_id, status="cancelled", finished_at=int(time.time()))
        self.store.add_event(job_id, "The job was cancelled.")
        if self.current == job_id:
            self.signal(signal.SIGKILL)
        else:
            self.clean(job_id)

    def clean(self, job_id: str) -> None:
        """Remove what only training needed. The checkpoints' adapters stay."""
        folder = self.training_folder(job_id)
        for path in [*folder.glob("*.jsonl"), *folder.glob("step-*/trainer_state.pt")]:
            path.unlink(missing_ok=True)
        for path in folder.glob(".*.tmp"):
            shutil.rmtree(path, ignore_errors=True)

    async def supervise(self) -> None:
        while not self.stopping:
            self.wake.clear()
            waiting = self.store.jobs("running") or self.store.jobs("queued")
            if not waiting or self.stopping:
                await self.wake.wait()
                continue
            self.current = waiting[-1]["id"]
            try:
                await self.run(waiting[-1])
            except Exception as error:
                traceback.print_exc()
                self.fail(self.current, "server_error", f"{type(error).__name__}: {error}")
            finally:
                self.current = self.child = None

    def start_validation(self, job) -> None:
        task = asyncio.create_task(self.validate(job))
        self.validations.add(task)
        task.add_done_callback(self.validations.discard)

    async def validate(self, job) -> None:
        """Check the job's files line by line, then queue it or fail it."""
        folder = self.training_folder(job["id"])
        for field, name in (("training_file", "train.jsonl"), ("validation_file", "valid.jsonl")):
            if not json.loads(job["spec"])[field]:
                continue
            try:
                await asyncio.to_thread(dataset.read_lines, folder / name)
            except (dataset.BadData, OSError) as error:
                if self.store.job(job["id"])["status"] == "validating_files":
                    self.fail(job["id"], f"invalid_{field}", f"{field}: {error}", field)
                return
        if self.store.job(job["id"])["status"] == "validating_files":
            self.store.update_job(job["id"], status="queued")
            self.store.add_event(job["id"], "Files validated, job queued.")
            self.wake.set()

    def specification(self, job) -> dict:
        """What the trainer gets."""
        spec = json.loads(job["spec"])
        base = self.registry.bases[spec["base"]]
        return {
            "folder": str(self.training_folder(job["id"])),
            "output": str(self.adapter_folder(job["id"])),
            "base_path": str(base.path),
            "parent": spec["parent"],
            "max_length": base.max_length,
            "hyper": spec["hyper"],
            "seed": spec["seed"],
            "device": str(self.registry.device),
            "dtype": str(base.dtype).removeprefix("torch."),
            "threads": self.threads,
            "train_command": self.command,
        }

    async def run(self, job) -> None:
        """Run one job until it has ended, or until the server stops."""
        id = job["id"]
        spec = json.loads(job["spec"])
        if spec["base"] not in self.registry.bases:
            self.fail(
                id, "model_not_found", f"The base model '{spec['base']}' is not loaded any more."
            )
            return
        again = job["status"] == "running"
        self.store.update_job(
            id, status="running", started_at=job["started_at"] or int(time.time())
        )
        self.store.add_event(id, "The job continues." if again else "The job started.")
        while not self.stopping and self.store.job(id)["status"] == "running":
            await self.trainer.connect()
            self.trainer.send(self.specification(job))
            ending = await self.follow(id)
            self.child = None
            if ending is None or self.stopping or self.store.job(id)["status"] != "running":
                continue
            deaths = self.store.job(id)["attempts"] + 1
            self.store.update_job(id, attempts=deaths)
            if deaths >= MAX_DEATHS:
                self.fail(
                    id, "trainer_died", f"The trainer died {deaths} times in a row: {ending}."
                )
            else:
                self.store.add_event(id, f"The trainer died: {ending}. Continuing.", "warn")
        status = self.store.job(id)["status"]
        if status != "running":
            self.clean(id)

    async def follow(self, id: str) -> str | None:
        """Record the trainer's events until its process has ended. How it died, or None after an
        end that it reported itself."""
        reported = False
        while True:
            event = await self.trainer.event()
            if event is None:
                return None if reported else "its parent process ended"
            kind = event["type"]
            if kind == "exit":
                return None if reported else describe_exit(event["status"])
            if kind == "started":
                self.child = event["pid"]
                if self.store.job(id)["status"] != "running":
                    self.signal(signal.SIGKILL)  # cancelled in between
                elif self.stopping:
                    self.signal(signal.SIGTERM)
            elif self.store.job(id)["status"] != "running":
                continue
            elif kind == "training":
                self.on_training(id, event)
            elif kind == "metrics":
                data = {key: value for key, value in event.items() if key != "type"}
                done, loss = f"{event['step']}/{event['total_steps']}", event["train_loss"]
                message = f"Step {done}: training loss={loss:.4f}"
                self.store.add_event(id, message, type="metrics", data=data)
            elif kind == "checkpoint":
                self.store.update_job(id, attempts=0)
                self.store.add_checkpoint(id, event["step"], event["metrics"])
                self.serve_checkpoints(id)
            elif kind == "stopped":
                reported = True
            elif kind == "failed":
                reported = True
                self.fail(id, event["code"], event["message"], event["param"])
            elif kind == "done":
                reported = True
                self.succeed(id, event)

    def on_training(self, id: str, event: dict) -> None:
        self.store.forget_metrics_after(id, event["step"])
        self.store.update_job(id, resolved=json.dumps(event["hyperparameters"]))
        message = f"Training on {event['examples']} examples, {event['total_steps']} steps"
        if event["step"]:
            message += f", continuing after step {event['step']}"
        data = {"step": event["step"], "total_steps": event["total_steps"]}
        self.store.add_event(id, message + ".", data=data)

    def succeed(self, id: str, event: dict) -> None:
        job = self.store.job(id)
        now = int(time.time())
        self.store.update_job(id, finished_at=now)
        fingerprint = self.serve(id)
        message = f"New fine-tuned model created: {model_name(job)}"
        self.store.add_event(
            id, message, data={"valid_loss": event["valid_loss"], "step": event["step"]}
        )
        # Last, so that whoever sees `succeeded` finds the model served.
        self.store.update_job(
            id,
            status="succeeded",
            trained_tokens=event["trained_tokens"],
            fine_tuned_model=model_name(job),
            system_fingerprint=fingerprint,
        )

    def fail(self, id: str, code: str, message: str, param: str | None = None) -> None:
        error = json.dumps({"code": code, "message": message, "param": param})
        self.store.update_job(id, status="failed", error=error, finished_at=int(time.time()))
        self.store.add_event(id, message, "error")


def model_name(job) -> str:
    spec = json.loads(job["spec"])
    return f"ft:{spec['base']}:{spec['suffix'] or ''}:{job['id'][-8:]}"


def checkpoint_name(job, step: int) -> str:
    return f"{model_name(job)}:ckpt-step-{step}"


def describe_exit(status: int) -> str:
    if status < 0:
        return f"killed by signal {-status} ({signal.Signals(-status).name})"
    return f"it exited with code {status}"
