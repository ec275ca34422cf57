"""Files and fine-tuning jobs on disk: one SQLite database, file contents beside it.

Used from the event loop's thread only. Write-ahead logging keeps every committed row through a
kill.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import sqlite3
import time
from pathlib import Path

from .adapters import sync

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


class Store:
    def __init__(self, folder: Path):
        """Opens or makes the data folder. Raises ValueError when another server has it open,
        OSError or sqlite3.Error when it cannot be used."""
        self.folder = folder
        for name in ("files", "adapters", "training"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        self.lock = open(folder / "lock", "w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ValueError(f"--data {folder} is in use by another model server") from None
        self.db = sqlite3.connect(folder / "modelserver.sqlite", isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=NORMAL")
        self.db.execute("PRAGMA busy_timeout=5000")
        self.db.executescript(SCHEMA)

    def close(self) -> None:
        self.db.close()

    # Files

    def file_path(self, id: str) -> Path:
        return self.folder / "files" / id

    def add_file(self, filename: str, purpose: str, content: bytes) -> dict:
        id = f"file-{secrets.token_hex(12)}"
        temporary = self.folder / "files" / f".{id}.tmp"
        temporary.write_bytes(content)
        sync(temporary)
        os.rename(temporary, self.file_path(id))
        sync(self.folder / "files")
        row = (id, filename, purpose, len(content), int(time.time()))
        self.db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", row)
        return dict(self.file(id))

    def file(self, id: str) -> sqlite3.Row | None:
        return self.db.execute("SELECT * FROM files WHERE id = ?", (id,)).fetchone()

    def files(self) -> list[sqlite3.Row]:
        return self.db.execute(
            "SELECT * FROM files ORDER BY created_at DESC, rowid DESC"
        ).fetchall()

    def delete_file(self, id: str) -> None:
        self.db.execute("DELETE FROM files WHERE id = ?", (id,))
        self.file_path(id).unlink(missing_ok=True)

    # Jobs

    def add_job(self, spec: dict, key: str | None, digest: str) -> sqlite3.Row:
        id = f"ftjob-{secrets.token_hex(12)}"
        self.db.execute(
            "INSERT INTO jobs (id, status, idempotency_key, request_digest, spec, created_at) "
            "VALUES (?, 'validating_files', ?, ?, ?, ?)",
            (id, key, digest, json.dumps(spec), int(time.time())),
        )
        return self.job(id)

    def job(self, id: str) -> sqlite3.Row | None:
        return self.db.execute("SELECT * FROM jobs WHERE id = ?", (id,)).fetchone()

    def job_by_key(self, key: str) -> sqlite3.Row | None:
        return self.db.execute("SELECT * FROM jobs WHERE idempotency_key = ?", (key,)).fetchone()

    def jobs(self, *statuses: str) -> list[sqlite3.Row]:
        """Newest first; all of them when no status is named."""
        marks = ", ".join("?" * len(statuses))
        where = f"WHERE status IN ({marks})" if statuses else ""
        return self.db.execute(
            f"SELECT * FROM jobs {where} ORDER BY number DESC", statuses
        ).fetchall()

    def update_job(self, id: str, **values) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(f"UPDATE jobs SET {names} WHERE id = ?", (*values.values(), id))

    def add_event(
        self,
        job: str,
        message: str,
        level: str = "info",
        type: str = "message",
        data: dict | None = None,
    ) -> None:
        self.db.execute(
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

    def forget_metrics_after(self, job: str, step: int) -> None:
        """Steps after the training checkpoint run again, and report again."""
        self.db.execute("DELETE FROM events WHERE job_id = ? AND step > ?", (job, step))

    def events(self, job: str) -> list[sqlite3.Row]:
        """Newest first."""
        return self.db.execute(
            "SELECT * FROM events WHERE job_id = ? ORDER BY number DESC", (job,)
        ).fetchall()

    def add_checkpoint(self, job: str, step: int, metrics: dict) -> None:
        self.db.execute(
            "INSERT OR IGNORE INTO checkpoints (id, job_id, created_at, step, metrics) "
            "VALUES (?, ?, ?, ?, ?)",
            (f"ftckpt-{secrets.token_hex(12)}", job, int(time.time()), step, json.dumps(metrics)),
        )

    def checkpoints(self, job: str) -> list[sqlite3.Row]:
        """Newest first."""
        return self.db.execute(
            "SELECT * FROM checkpoints WHERE job_id = ? ORDER BY number DESC", (job,)
        ).fetchall()
