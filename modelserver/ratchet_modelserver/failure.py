"""What a job's `error` says of an exception that ended its training."""

from __future__ import annotations

from pathlib import Path

from . import disk, memory
from .dataset import BadData
from .hyper import Failed
from .log import one_line, say_traceback


def failure(spec: dict, error: Exception) -> dict:
    """code, message and param."""
    if isinstance(error, BadData):
        code, message, param = "invalid_training_file", str(error), "training_file"
    elif isinstance(error, Failed):
        code, message, param = error.code, str(error), error.param
    elif disk.is_full(error):
        code, message, param = "disk_full", full_disk(Path(spec["output"]).parent, error), None
    elif memory.ran_out(error):
        said = one_line(error).partition(". ")[0]
        code, message, param = "out_of_memory", f"Out of memory; lower batch_size. {said}", None
    else:
        say_traceback()
        code, param = "training_error", None
        message = f"{type(error).__name__}: {error}"
    return {"code": code, "message": one_line(message), "param": param}


def full_disk(folder: Path, error: Exception) -> str:
    return (
        f"The disk of {folder} takes no more ({one_line(error)}): free some space there, then train "
        "again."
    )
