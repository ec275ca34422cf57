"""Files and fine-tuning jobs on disk: one SQLite database, file contents beside it.

Used from the event loop's thread only, but for the contents of files. Write-ahead logging keeps
every committed row through a kill.

A disk that is full must not end training: what is written about jobs under way is kept in memory
while the disk takes nothing, seen by every reader, and written once it does (`flush`). What a caller
asks to be kept (a file, a new job) is refused instead.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import sqlite3
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

from . import disk
from .adapters import sync
from .log import one_line

SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
  id TEXT PRIMARY KEY, filename TEXT NOT NULL, purpose TEXT NOT NULL, bytes INTEGER NOT NULL,
  created_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
  idempotency_key TEXT UNIQUE, request_digest TEXT, spec TEXT NOT NULL,
  created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0, trained_tokens INTEGER, fine_tuned_model TEXT UNIQUE,
  system_fingerprint TEXT, error TEXT, resolved TEXT, deleted INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job_id TEXT NOT NULL,
  created_at INTEGER NOT NULL, level TEXT NOT NULL, type TEXT NOT NULL, message TEXT NOT NULL,
  data TEXT, step INTEGER
);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job_id, number);
CREATE TABLE IF NOT EXISTS checkpoints (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, job_id TEXT NOT NULL,
  created_at INTEGER NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, UNIQUE (job_id, step)
);
"""


LATE_EVENTS = 1000
"""Statements that wait for the disk, beyond which events of jobs are not kept."""


class Store:
    def __init__(self, folder: Path):
        """Opens or makes the data folder. Raises ValueError when another server has it open, or
        when its database is damaged, OSError when it cannot be used."""
        self.folder = folder
        for name in ("files", "adapters", "training"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.lock = open(folder / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"--data {folder} is in use by another model server") from None
        path = folder / "modelserver.sqlite"
        try:
            self.db = sqlite3.connect(path, isolation_level=None)
            self.db.row_factory = sqlite3.Row
            self.db.execute("PRAGMA journal_mode=WAL")
            self.db.execute("PRAGMA synchronous=NORMAL")
            self.db.execute("PRAGMA busy_timeout=5000")
            self.db.executescript(SCHEMA)
            self.db.execute("SELECT * FROM jobs LIMIT 1").fetchone()
        except sqlite3.Error as error:
            mend = "free some space on its disk"
            if not disk.is_full(error):
                mend = "restore it from a backup, or move it away to begin without its jobs"
            raise ValueError(f"{path} cannot be used ({one_line(error)}): {mend}") from None
        self.late: deque[tuple[str, tuple]] = deque()
        """Statements that the disk did not take yet, oldest first."""
        self.ahead: dict[str, dict] = {}
        """Columns of jobs as `late` will make them."""
        self.trouble: str | None = None
        """Why the disk takes nothing at present."""
        self.sweep()

    def close(self) -> None:
        self.flush()
        self.db.close()

    def sweep(self) -> None:
        """Remove what a crash, or a full disk, left half-made."""
        for path in (self.folder / "files").glob(".*.tmp"):
            path.unlink(missing_ok=True)
        known = {row["id"] for row in self.db.execute("SELECT id FROM jobs")}
        for path in (self.folder / "training").iterdir():
            if path.name.startswith("ftjob-") and path.name not in known:
                shutil.rmtree(path, ignore_errors=True)

    # Writes that wait for the disk

    def flush(self) -> bool:
        """Write what had to wait. Whether all of it is written."""
        while self.late:
            sql, values = self.late[0]
            try:
                self.db.execute(sql, values)
            except Exception as error:
                if disk.refuses_writes(error):
                    self.trouble = one_line(error)
                    return False
                self.late.popleft()  # a bug of ours: it must not stand in the way of the rest
                raise
            self.late.popleft()
        self.ahead.clear()
        if self.trouble is not None and self.takes_writes():
            self.trouble = None
        return True

    def takes_writes(self) -> bool:
        probe = self.folder / ".probe"
        try:
            probe.write_bytes(bytes(4096))
            sync(probe)
            probe.unlink()
        except OSError as error:
            self.trouble = one_line(error)
            return False
        return True

    def write(self, sql: str, values: tuple) -> bool:
        """Write now, or once the disk takes it. Whether it was now."""
        self.late.append((sql, values))
        return self.flush()

    # Files

    def file_path(self, id: str) -> Path:
        return self.folder / "files" / id

    def write_file(self, source: BinaryIO) -> tuple[str, int]:
        """(id, bytes) of what `source` holds, on the disk. May run in any thread. Raises OSError,
        and then leaves nothing behind."""
        id = f"file-{secrets.token_hex(12)}"
        temporary = self.folder / "files" / f".{id}.tmp"
        try:
            with temporary.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
                size = target.tell()
            sync(temporary)
            os.rename(temporary, self.file_path(id))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        sync(self.folder / "files")
        return id, size

    def add_file(self, id: str, filename: str, purpose: str, size: int) -> dict:
        """Make a written file known. Raises sqlite3.Error, and then deletes it."""
        try:
            row = (id, filename, purpose, size, int(time.time()))
            self.db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error:
            self.file_path(id).unlink(missing_ok=True)
            raise
        return dict(self.file(id))

    def file(self, id: str) -> sqlite3.Row | None:
        return self.db.execute("SELECT * FROM files WHERE id = ?", (id,)).fetchone()

    def files(self) -> list[sqlite3.Row]:
        return self.db.execute(
            "SELECT * FROM files ORDER BY created_at DESC, rowid DESC"
        ).fetchall()

    def delete_file(self, id: str) -> None:
        """The content goes first: it makes the room that the row's deletion needs on a full disk."""
        self.file_path(id).unlink(missing_ok=True)
        self.write("DELETE FROM files WHERE id = ?", (id,))

    # Jobs

    def add_job(self, id: str, spec: dict, key: str | None, digest: str) -> dict:
        """Raises sqlite3.Error, and then there is no such job."""
        now = int(time.time())
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self.db.execute(
                "INSERT INTO jobs (id, status, idempotency_key, request_digest, spec, created_at) "
                "VALUES (?, 'validating_files', ?, ?, ?, ?)",
                (id, key, digest, json.dumps(spec), now),
            )
            self.db.execute(*event(id, f"Created fine-tuning job: {id}"))
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        return self.job(id)

    def seen(self, row: sqlite3.Row | None) -> dict | None:
        """A job as it is, whether the disk has it yet or not."""
        return None if row is None else {**dict(row), **self.ahead.get(row["id"], {})}

    def job(self, id: str) -> dict | None:
        return self.seen(self.db.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone())

    def job_by_key(self, key: str) -> dict | None:
        return self.seen(
            self.db.execute("SELECT * FROM jobs WHERE idempotency_key = ?", (key,)).fetchone()
        )

    def jobs(self, *statuses: str) -> list[dict]:
        """Newest first; all of them when no status is named."""
        if self.ahead or not statuses:
            rows = self.db.execute("SELECT * FROM jobs ORDER BY number DESC")
        else:
            marks = ", ".join("?" * len(statuses))
            rows = self.db.execute(
                f"SELECT * FROM jobs WHERE status IN ({marks}) ORDER BY number DESC", statuses
            )
        found = [self.seen(row) for row in rows]
        return [job for job in found if not statuses or job["status"] in statuses]

    def update_job(self, id: str, **values) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self.ahead.setdefault(id, {}).update(values)
        self.write(f"UPDATE jobs SET {names} WHERE id = ?", (*values.values(), id))

    def add_event(
        self,
        job: str,
        message: str,
        level: str = "info",
        type: str = "message",
        data: dict | None = None,
    ) -> None:
        if len(self.late) < LATE_EVENTS:
            self.write(*event(job, message, level, type, data))

    def forget_metrics_after(self, job: str, step: int) -> None:
        """Steps after the training checkpoint run again, and report again."""
        self.write("DELETE FROM events WHERE job_id = ? AND step > ?", (job, step))

    def events(self, job: str) -> list[sqlite3.Row]:
        """Newest first."""
        return self.db.execute(
            "SELECT * FROM events WHERE job_id = ? ORDER BY number DESC", (job,)
        ).fetchall()

    def add_checkpoint(self, job: str, step: int, metrics: dict) -> None:
        self.write(
            "INSERT OR IGNORE INTO checkpoints (id, job_id, created_at, step, metrics) "
            "VALUES (?, ?, ?, ?, ?)",
            (f"ftckpt-{secrets.token_hex(12)}", job, int(time.time()), step, json.dumps(metrics)),
        )

    def checkpoints(self, job: str) -> list[sqlite3.Row]:
        """Newest first."""
        return self.db.execute(
            "SELECT * FROM checkpoints WHERE job_id = ? ORDER BY number DESC", (job,)
        ).fetchall()


def event(
    job: str,
    message: str,
    level: str = "info",
    type: str = "message",
    data: dict | None = None,
) -> tuple[str, tuple]:
    """The statement that stores an event of a job, and its values."""
    return (
        "INSERT INTO events (id, job_id, created_at, level, type, message, data, step) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            f"ftevent-{secrets.token_hex(12)}",
            job,
            int(time.time()),
            level,
            type,
            message,
            None if data is None else json.dumps(data),
            data.get("step") if type == "metrics" and data else None,
        ),
    )
