"""What every way of getting a model shares: errors for a person, progress, room on the disk and in
memory."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from pathlib import Path


class FetchError(Exception):
    """Its message is one line for the user: what is wrong, and what to do."""


def report(phase: str, done: int | None = None, total: int | None = None) -> None:
    """One JSON line of progress. `done` and `total` are bytes."""
    print(json.dumps({"phase": phase, "done": done, "total": total}), flush=True)


def gigabytes(bytes: float) -> str:
    return f"{bytes / 1e9:.1f} GB" if bytes >= 1e9 else f"{max(1, round(bytes / 1e6))} MB"


def require_disk(folder: Path, bytes: int, what: str) -> None:
    """Raises FetchError when the disk of `folder` has not that much room, and a little to spare."""
    free = shutil.disk_usage(folder).free
    if free < bytes + 200e6:
        raise FetchError(
            f"{what} needs {gigabytes(bytes)}, and the disk of {folder} has {gigabytes(free)} free: "
            "free some space, or set RATCHET_HOME to a folder on a larger disk."
        )


def require_memory(bytes: int, what: str) -> None:
    """Raises FetchError when the machine has not that much memory to give. Where the system does
    not say (macOS), nothing is refused."""
    free = available_memory()
    if free is not None and free < bytes:
        raise FetchError(
            f"{what} needs about {gigabytes(bytes)} of memory, and {gigabytes(free)} are free: "
            "stop other programs (ratchet down), or do it on a larger machine."
        )


def available_memory() -> int | None:
    """Bytes that can be had without swapping, by the kernel and by the container's limit."""
    found = []
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                found.append(int(line.split()[1]) * 1024)
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        if limit.isdigit():
            found.append(int(limit) - used)
    except (OSError, ValueError):
        pass
    return min(found) if found else None


def sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 22):
            digest.update(block)
    return digest.hexdigest()


def disk_full(error: BaseException) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def without_token(text: str) -> str:
    """A message as it may be shown: whatever says it, the token is not in it."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        token = os.environ.get(name)
        if token:
            text = text.replace(token, "…")
    return text


def first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def fail(message: str) -> None:
    print(json.dumps({"error": without_token(message)}), flush=True)
    sys.exit(1)
