"""The model that is there without anybody's doing, and its critic: in the package where it was
installed from a wheel, beside it in a clone."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent

FOLDER = next(
    (folder for folder in (_PACKAGE / "builtin", _PACKAGE.parent / "builtin") if folder.is_dir()),
    _PACKAGE / "builtin",
)

MODEL = f"arithmetic={FOLDER / 'arithmetic'}"
"""As `--model` takes it."""

CRITIC = f"arithmetic-critic={FOLDER / 'arithmetic-critic'}"
"""As `--adapter` takes it."""
