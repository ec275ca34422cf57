"""A job's own copies of its files."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from .errors import bad_request
from .store import Store

FILES = (("training_file", "train.jsonl"), ("validation_file", "valid.jsonl"))
"""Fields of a job, and what its folder calls the files."""


def copy_files(store: Store, spec: dict, folder: Path) -> None:
    """The job's own copies of its files. Raises a 400 for one that is gone, OSError when the disk does not
    take them."""
    folder.mkdir()
    for field, name in FILES:
        if not spec[field]:
            continue
        source = store.file_path(spec[field])
        if not source.is_file():
            message = f"The content of {spec[field]} is gone from the disk: upload it again."
            raise bad_request(message, field, "file_not_found")
        try:
            os.link(source, folder / name)
        except OSError:
            shutil.copyfile(source, folder / name)
