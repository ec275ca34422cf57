"""A disk that takes nothing: what is asked for is refused, what is under way is kept, and told.

The limit on the size of files (RLIMIT_FSIZE) of the running server stands for the disk: every write
fails then, for the database as for files, and it can be lifted again.
"""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import time

import httpx
import openai
import pytest
from conftest import EXAMPLES
from ratchet_modelserver import disk
from ratchet_modelserver.store import LATE_EVENTS, Store
from test_training import SLOW, children, step_of

pytestmark = pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="limits other processes")


def family(pid: int) -> list[int]:
    return [pid, *(one for child in children(pid) for one in family(child))]


def fill(server, full: bool = True) -> None:
    """What starts meanwhile inherits it."""
    for pid in family(server.process.pid):
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0 if full else hard, hard))


def health(server) -> dict:
    answer = httpx.get(f"{server.url}/health")
    assert answer.status_code == 200
    return answer.json()


def until(what, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_full_disk(start):
    server = start()
    assert health(server)["status"] == "ok" and health(server)["problems"] == []
    file = server.upload(EXAMPLES)
    job = server.train(file, hyperparameters={**SLOW, "n_epochs": 30, "checkpoint_every_steps": 20})
    until(lambda: step_of(server, job.id) > 5)
    fill(server)

    # What a caller asks to be kept is refused, with what to do; nothing of it stays.
    for refused in (lambda: server.upload(EXAMPLES), lambda: server.train(file, key="again")):
        with pytest.raises(openai.InternalServerError) as caught:
            refused()
        assert caught.value.status_code == 507 and caught.value.code == "disk_full"
        assert "free some space" in caught.value.message
    assert [one.id for one in server.client.fine_tuning.jobs.list()] == [job.id]
    assert [one.id for one in server.client.files.list()] == [file]
    assert server.text(max_tokens=2) is not None  # it answers all the same

    # The job ends by itself, and whoever polls it is told though nothing can be written down.
    failed = server.wait(job.id, "failed", "succeeded")
    assert failed.status == "failed" and failed.error.code == "disk_full"
    assert "free some space" in failed.error.message
    said = health(server)
    assert said["status"] == "degraded" and "takes nothing" in said["problems"][0]
    until(lambda: health(server)["training"] is None)
    leftovers = [p for p in (server.data / "adapters").iterdir() if p.name.endswith(".tmp")]
    assert leftovers == []

    # With room again, all is written down, and the next job trains.
    fill(server, full=False)
    until(lambda: health(server)["status"] == "ok", 20)
    assert any("disk_full" in m or "takes no more" in m for m in server.messages(job.id))
    again = server.train(file, key="again", hyperparameters={"n_epochs": 1})
    assert server.wait(again.id).status == "succeeded"
    database = sqlite3.connect(server.data / "modelserver.sqlite")
    rows = dict(database.execute("SELECT id, status FROM jobs").fetchall())
    assert rows == {job.id: "failed", again.id: "succeeded"}


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "data")
    job = made.add_job("ftjob-1", {"base": "b", "suffix": None}, None, "digest")
    assert job["status"] == "validating_files"
    return made


class Refusing:
    """A connection whose writes fail as on a full disk, after `after` of them."""

    def __init__(self, db, after: int = 0):
        self.db, self.left = db, after

    def execute(self, sql, values=()):
        if not sql.startswith(("SELECT", "ROLLBACK")):
            if self.left == 0:
                raise sqlite3.OperationalError("database or disk is full")
            self.left -= 1
        return self.db.execute(sql, values)

    def __getattr__(self, name):
        return getattr(self.db, name)


def test_what_the_disk_does_not_take_is_seen_and_written_later(store, monkeypatch):
    real = store.db
    monkeypatch.setattr(store, "takes_writes", lambda: not isinstance(store.db, Refusing))
    store.db = Refusing(real)
    store.update_job("ftjob-1", status="failed", error="{}")
    store.add_event("ftjob-1", "it failed", "error")
    assert store.job("ftjob-1")["status"] == "failed" and store.trouble
    assert [job["id"] for job in store.jobs("failed")] == ["ftjob-1"]
    assert store.jobs("validating_files") == [] and len(store.jobs()) == 1
    assert real.execute("SELECT status FROM jobs").fetchone()[0] == "validating_files"
    for _ in range(2 * LATE_EVENTS):
        store.add_event("ftjob-1", "metrics")
    assert len(store.late) == LATE_EVENTS
    store.update_job("ftjob-1", finished_at=5)  # never left out
    store.db = Refusing(real, after=1)
    assert not store.flush() and store.job("ftjob-1")["status"] == "failed"
    store.db = real
    assert store.flush() and store.trouble is None and not store.ahead
    row = real.execute("SELECT status, finished_at FROM jobs").fetchone()
    assert tuple(row) == ("failed", 5)
    assert store.events("ftjob-1")[-2]["message"] == "it failed"


def test_a_new_job_is_whole_or_not_there(store):
    real = store.db
    for after in range(3):
        store.db = Refusing(real, after)
        with pytest.raises(sqlite3.Error):
            store.add_job("ftjob-2", {}, "key", "digest")
        store.db = real
        assert store.job("ftjob-2") is None and not real.in_transaction
    assert store.add_job("ftjob-2", {}, "key", "digest")["id"] == "ftjob-2"
    with pytest.raises(sqlite3.IntegrityError):
        store.add_job("ftjob-3", {}, "key", "digest")
    assert store.events("ftjob-3") == []


def test_a_statement_that_is_a_bug_does_not_stand_in_the_way(store):
    with pytest.raises(sqlite3.ProgrammingError):
        store.write("UPDATE jobs SET status = ?", ("a", "b"))
    store.update_job("ftjob-1", status="queued")
    assert store.jobs("queued") and not store.late


def test_a_start_clears_what_a_crash_left(store):
    folder = store.folder
    (folder / "files" / ".file-1.tmp").write_bytes(b"half")
    (folder / "training" / "ftjob-unknown").mkdir()
    (folder / "training" / "ftjob-1").mkdir()
    store.close()
    store.lock.close()
    Store(folder)
    assert not (folder / "files" / ".file-1.tmp").exists()
    assert [path.name for path in (folder / "training").iterdir()] == ["ftjob-1"]


def test_a_damaged_database_is_named(tmp_path):
    (tmp_path / "modelserver.sqlite").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    with pytest.raises(ValueError, match="modelserver.sqlite cannot be used .*: restore it"):
        Store(tmp_path)


def test_errors_of_a_full_disk_are_known():
    assert disk.is_full(OSError(errno.ENOSPC, "No space left on device"))
    assert disk.is_full(OSError(errno.EDQUOT, "")) and disk.is_full(OSError(errno.EFBIG, ""))
    assert disk.is_full(RuntimeError("I/O error: No space left on device (os error 28)"))
    assert disk.is_full(sqlite3.OperationalError("database or disk is full"))
    wrapped = RuntimeError("it could not be saved")
    wrapped.__cause__ = OSError(errno.ENOSPC, "")
    assert disk.is_full(wrapped)
    assert not disk.is_full(OSError(errno.ENOENT, "No such file"))
    assert not disk.is_full(ValueError("the queue is full"))
    assert disk.refuses_writes(sqlite3.OperationalError("disk I/O error"))
    assert not disk.refuses_writes(sqlite3.IntegrityError("UNIQUE"))
