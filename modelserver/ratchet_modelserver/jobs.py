"""Fine-tuning jobs: one at a time, each in a trainer process, continued after any crash."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import time

from . import dataset
from .following import follow
from .intake import FILES, copy_files
from .link import TrainerLink
from .log import one_line, say_traceback
from .registry import Registry
from .served import Served
from .store import Store

MAX_DEATHS = 3
"""Deaths of the trainer without a new training checkpoint in between, after which a job fails."""
STOP_SECONDS = 4
TEND_SECONDS = 2
RETRY_SECONDS = 5


class Jobs:
    """Supervises the jobs in the store. Belongs to the event loop."""

    def __init__(self, store: Store, registry: Registry, forked, threads: int, command=None):
        """command: what trains in place of our own trainer; see command.py."""
        self.store, self.registry, self.threads = store, registry, threads
        self.command = command
        self.served = Served(store, registry)
        self.adapter_folder = self.served.adapter_folder
        self.training_folder = self.served.training_folder
        self.trainer = TrainerLink(forked)
        self.current: str | None = None
        self.child: int | None = None
        self.stopping = False
        self.wake = asyncio.Event()
        self.task: asyncio.Task | None = None
        self.tending: asyncio.Task | None = None
        self.problem: str | None = None
        self.validations: set[asyncio.Task] = set()

    async def start(self) -> None:
        self.served.load()
        try:
            await self.trainer.connect()  # ahead of the first job: its imports take seconds
        except OSError as error:
            self.problem = f"no trainer process can be started: {one_line(error)}"
        for job in self.store.jobs("validating_files"):
            self.start_validation(job)
        self.task = asyncio.create_task(self.supervise())
        self.tending = asyncio.create_task(self.tend())

    @property
    def trouble(self) -> str | None:
        """Why jobs do not get on at present, for whoever asks after the server's health."""
        if self.task is not None and self.task.done() and not self.stopping:
            return "what runs the jobs has ended: restart the server"
        return self.problem

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
        if self.tending:
            self.tending.cancel()
        self.trainer.close()

    def signal(self, number: int) -> None:
        if self.child is not None:
            try:
                os.kill(self.child, number)
            except ProcessLookupError:
                pass

    # Jobs

    async def create(self, spec: dict, key: str | None, digest: str) -> dict:
        """Store a new job, with its own copies of the files, and queue it. There is a job only once
        its files are there. Raises OSError or sqlite3.Error, and then nothing of it stays."""
        id = f"ftjob-{secrets.token_hex(12)}"
        try:
            await asyncio.to_thread(copy_files, self.store, spec, self.training_folder(id))
            job = self.store.add_job(id, spec, key, digest)
        except BaseException:
            shutil.rmtree(self.training_folder(id), ignore_errors=True)
            raise
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

    async def tend(self) -> None:
        """Write down what had to wait for the disk, as soon as it takes it."""
        while not self.stopping:
            await asyncio.sleep(TEND_SECONDS)
            try:
                self.store.flush()
            except Exception:
                say_traceback()

    async def supervise(self) -> None:
        """Runs one job after the other until the server stops. What goes wrong is told by `trouble`,
        and tried again."""
        while not self.stopping:
            self.wake.clear()
            wait = None
            try:
                waiting = self.store.jobs("running") or self.store.jobs("queued")
                if waiting:
                    await self.run_one(waiting[-1])
                    continue
                self.problem = None
            except Exception as error:
                say_traceback()
                self.problem, wait = one_line(error), RETRY_SECONDS
            if self.stopping:
                return
            try:
                await asyncio.wait_for(self.wake.wait(), wait)
            except asyncio.TimeoutError:
                pass

    async def run_one(self, job: dict) -> None:
        """`run`; what is no fault of the trainer's fails the job."""
        self.current = job["id"]
        try:
            await self.run(job)
            self.problem = None
        except Exception as error:
            say_traceback()
            self.signal(signal.SIGKILL)
            self.trainer.kill()
            self.fail(job["id"], "server_error", f"{type(error).__name__}: {one_line(error)}")
        finally:
            self.current = self.child = None

    def start_validation(self, job) -> None:
        task = asyncio.create_task(self.validate(job))
        self.validations.add(task)
        task.add_done_callback(self.validations.discard)

    async def validate(self, job) -> None:
        """Check the job's files line by line, then queue it or fail it."""
        spec, folder = json.loads(job["spec"]), self.training_folder(job["id"])
        base = self.registry.bases.get(spec["base"])
        error = field = None
        for field, name in FILES:
            if not spec[field]:
                continue
            try:
                await asyncio.to_thread(
                    dataset.check_file, folder / name, base.template if base else None
                )
            except Exception as failure:
                if not isinstance(failure, dataset.BadData | OSError):
                    say_traceback()
                error = failure
                break
        if self.store.job(job["id"])["status"] != "validating_files":
            return
        if error is not None:
            self.fail(job["id"], f"invalid_{field}", f"{field}: {one_line(error)}", field)
            self.clean(job["id"])
            return
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
            try:
                await self.trainer.connect()
                self.trainer.send(self.specification(job))
                ending = await follow(self, id)
            except (OSError, ValueError) as error:
                # No process could be started, or one speaks in riddles.
                ending = one_line(error)
                self.signal(signal.SIGKILL)
                self.trainer.kill()
                await asyncio.sleep(1)
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

    def fail(self, id: str, code: str, message: str, param: str | None = None) -> None:
        error = json.dumps({"code": code, "message": message, "param": param})
        self.store.update_job(id, status="failed", error=error, finished_at=int(time.time()))
        self.store.add_event(id, message, "error")
