"""What each hyperparameter becomes when it is not given, and the learning-rate schedule."""

from __future__ import annotations

import math

from .adapters import AdapterConfig
from .schemas import Hyperparameters

SMALL_MODEL = 50_000_000
"""Parameters below which the defaults for tiny models apply."""
FLOOR = 0.05
"""The learning rate ends at this share of its peak."""


class Failed(Exception):
    """The job cannot succeed; `code` and the message go to the job's `error`."""

    def __init__(self, code: str, message: str, param: str | None = None):
        super().__init__(message)
        self.code, self.param = code, param


def resolve(
    hyper: Hyperparameters, examples: int, parameters: int, parent: AdapterConfig | None
) -> dict:
    """Every hyperparameter as a value. parameters: the base's size; parent: AdapterConfig of the
    adapter whose training continues, or None. Its rank, alpha and targets are kept."""
    usual = usual_values(parameters, examples)
    values = hyper.model_dump()
    multiplier = values["learning_rate_multiplier"]
    multiplier = 1.0 if multiplier == "auto" else multiplier
    values["learning_rate_multiplier"] = multiplier
    values["learning_rate"] = (hyper.learning_rate or usual["learning_rate"]) * multiplier
    if hyper.batch_size == "auto":
        values["batch_size"] = usual["batch_size"]
    if hyper.n_epochs == "auto":
        values["n_epochs"] = usual["n_epochs"]
    if hyper.warmup_steps is None:
        steps = math.ceil(examples / values["batch_size"]) * values["n_epochs"]
        values["warmup_steps"] = 10 if parameters < SMALL_MODEL else max(1, min(10, steps // 10))
    if parent is not None:
        kept = {"lora_rank": parent.rank, "lora_alpha": parent.alpha}
        for key, value in kept.items():
            if values[key] not in (None, value):
                message = f"{key} {values[key]} differs from the {value} of the adapter to continue"
                raise Failed("invalid_hyperparameter", message, f"hyperparameters.{key}")
        values.update(kept, lora_target_modules=parent.targets)
    values["lora_rank"] = values["lora_rank"] or usual["lora_rank"]
    values["lora_alpha"] = values["lora_alpha"] or 2 * values["lora_rank"]
    values["lora_dropout"] = values["lora_dropout"] or 0.0
    return values


def usual_values(parameters: int, examples: int) -> dict:
    """Defaults by the base's size and the number of examples.

    Tiny models start far from what they learn: high rates, many passes. Language models know most
    of it: a few passes over few examples, fewer over many, or they learn the examples by heart. A
    small set gets small batches, so that there are steps enough for the rate's schedule."""
    if parameters < SMALL_MODEL:
        return {
            "learning_rate": 1e-3,
            "batch_size": min(32, examples),
            "n_epochs": 4,
            "lora_rank": 32,
        }
    return {
        "learning_rate": 2e-4 if parameters < 4_000_000_000 else 1e-4,
        "batch_size": min(4 if examples < 64 else 8 if examples < 512 else 16, examples),
        "n_epochs": 3 if examples < 512 else 2 if examples < 8192 else 1,
        "lora_rank": 16 if parameters < 4_000_000_000 else 32,
    }


def rate(step: int, total: int, warmup: int) -> float:
    """Share of the peak learning rate at `step` (from 0): linear warm-up, then linear decay to
    FLOOR."""
    return min(1.0, (step + 1) / max(1, warmup)) * max(FLOOR, 1 - step / total)
