"""A disk that takes no more: how its errors are told from others, and how much room is left."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

LITTLE = 32 << 20
"""Bytes free below which a disk counts as full: SQLite's log and a checkpoint need as much."""
ERRNOS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
WORDS = ("no space left", "os error 28", "file too large", "os error 27", "quota exceeded")
"""Libraries without errno of their own (safetensors, PyTorch) have the system's words."""
BUGS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)


def is_full(error: BaseException) -> bool:
    """Whether `error`, or what it came from, says that a disk takes no more."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in ERRNOS:
            return True
        if isinstance(seen, sqlite3.OperationalError) and "full" in str(seen):
            return True
        if any(word in str(seen).lower() for word in WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def refuses_writes(error: BaseException) -> bool:
    """Whether SQLite says that the disk does not take a write, for whatever reason of the disk's."""
    return isinstance(error, sqlite3.DatabaseError) and not isinstance(error, BUGS)


def free_bytes(folder: Path) -> int | None:
    """Bytes that this user may still write; None where the system does not tell."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
