"""One fine-tuning job, from its specification to an adapter folder. Runs in a process of its own.

It can be killed at any moment: training checkpoints are whole or absent, and a job that starts
again continues from the newest with the same batches, optimizer state and random numbers, so that
it ends with the adapter it would have made anyway.
"""

from __future__ import annotations

import io
import math
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from . import adapters, command, disk, lora
from .batch_loss import BatchLoss
from .dataset import plan_batches, read_examples
from .failure import failure, full_disk
from .hyper import Failed, rate, resolve
from .log import one_line
from .registry import embedding_rows, end_tokens, load_model, load_tokenizer
from .schemas import Hyperparameters

STATE = "trainer_state.pt"
KEEP = 3
CHECKPOINT_SECONDS = 30
ALIVE_SECONDS = 5
EPOCH_CHECKPOINTS = 5
"""About how many checkpoints at ends of epochs a job makes, unless it names an interval."""
Emit = Callable[[dict], None]


class Training:
    """The state of a job between steps."""

    def __init__(self, spec: dict, emit: Emit):
        """spec: see `jobs.specification`."""
        self.spec, self.emit = spec, emit
        self.folder = Path(spec["folder"])
        self.device = torch.device(spec["device"])
        dtype = getattr(torch, spec["dtype"])
        base_path = Path(spec["base_path"])
        base = load_model(base_path, dtype, self.device)
        tokenizer = load_tokenizer(base_path)
        eos = end_tokens(base, tokenizer)
        if not eos:
            raise Failed(
                "unsupported_model", "The model has no end token, so answers could not end."
            )
        self.said = time.monotonic()
        read = lambda name: read_examples(  # noqa: E731
            self.folder / name, tokenizer, eos, spec["max_length"], self.alive, embedding_rows(base)
        )
        self.examples = read("train.jsonl")
        valid = (self.folder / "valid.jsonl").exists()
        self.validation = read("valid.jsonl") if valid else []
        parent = Path(spec["parent"]) if spec["parent"] else None
        config = adapters.read_config(parent) if parent else None
        size = sum(p.numel() for p in base.parameters())
        self.hyper = resolve(Hyperparameters(**spec["hyper"]), len(self.examples), size, config)
        recomputes = self.device.type == "cuda" and size > 1_000_000_000
        if recomputes:
            base.gradient_checkpointing_enable({"use_reentrant": False})
        h = self.hyper
        self.model, self.targets = lora.build(
            base, h["lora_target_modules"], h["lora_rank"], h["lora_alpha"], h["lora_dropout"]
        )
        h["lora_target_modules"] = self.targets
        torch.manual_seed(spec["seed"])
        lora.init_weights(self.model.params, spec["seed"])
        if parent:
            self.load(adapters.read_weights(parent))
        self.flat = lora.Flat(self.model.params)
        self.optimizer = torch.optim.AdamW(
            [self.flat.values],
            lr=h["learning_rate"],
            betas=(0.9, h["adam_beta2"]),
            weight_decay=h["weight_decay"],
            fused=True,
        )
        self.ema = self.flat.values.clone() if h["ema_decay"] else None
        lengths = np.array([len(example.tokens) for example in self.examples])
        self.plan = plan_batches(lengths, h["batch_size"], h["n_epochs"], spec["seed"])
        self.step, self.trained_tokens = 0, 0
        self.loss = BatchLoss(self.model, base, self.examples[0], size, recomputes)

    def alive(self) -> None:
        """Say that the job gets on; to be called only where it does."""
        if time.monotonic() - self.said > ALIVE_SECONDS:
            self.said = time.monotonic()
            self.emit({"type": "alive"})

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        missing = set(self.model.params) ^ set(weights)
        if missing:
            message = (
                f"The adapter to continue does not fit the base (for example {sorted(missing)[0]})"
            )
            raise Failed("unsupported_model", message)
        with torch.no_grad():
            for key, parameter in self.model.params.items():
                parameter.copy_(weights[key])

    # Checkpoints

    def checkpoints(self) -> list[Path]:
        """Oldest first."""
        found = [p for p in self.folder.glob("step-*") if (p / "adapter_config.json").exists()]
        return sorted(found, key=lambda p: int(p.name.removeprefix("step-")))

    def resume(self) -> None:
        """Continue from the newest checkpoint, if there is one."""
        found = [p for p in self.checkpoints() if (p / STATE).exists()]
        if not found:
            return
        path = found[-1] / STATE
        try:
            state = torch.load(path, map_location=self.device, weights_only=True)
        except Exception as error:
            message = f"The checkpoint {path} is damaged ({one_line(error)}): training begins again."
            self.emit({"type": "warning", "message": message})
            shutil.rmtree(found[-1], ignore_errors=True)
            return
        with torch.no_grad():
            self.flat.values.copy_(state["values"])
            if self.ema is not None:
                self.ema.copy_(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["rng"].cpu())
        self.step, self.trained_tokens = state["step"], state["trained_tokens"]

    def save_checkpoint(self, metrics: dict) -> None:
        """One that the disk does not take is left out, and said: the training needs none."""
        try:
            self.write_checkpoint(metrics)
        except Exception as error:
            if not disk.is_full(error):
                raise
            message = f"No checkpoint after step {self.step}: {full_disk(self.folder, error)}"
            self.emit({"type": "warning", "message": message})

    def write_checkpoint(self, metrics: dict) -> None:
        data = io.BytesIO()
        torch.save(
            {
                "values": self.flat.values,
                "ema": self.ema,
                "optimizer": self.optimizer.state_dict(),
                "rng": torch.get_rng_state(),
                "step": self.step,
                "trained_tokens": self.trained_tokens,
            },
            data,
        )
        self.write(self.folder / f"step-{self.step}", {STATE: data.getvalue()})
        older = self.checkpoints()[:-1]
        for path in older:
            (path / STATE).unlink(missing_ok=True)  # only the newest is continued from
        for path in older[: 1 - KEEP]:
            shutil.rmtree(path, ignore_errors=True)
        self.emit({"type": "checkpoint", "step": self.step, "metrics": metrics})

    def write(self, folder: Path, files: dict[str, bytes]) -> None:
        values = self.flat.values if self.ema is None else self.ema
        if not bool(values.isfinite().all()):
            raise Failed(
                "training_diverged",
                f"The adapter holds values that are no finite numbers after step {self.step}; "
                f"lower learning_rate (it is {self.hyper['learning_rate']:g}).",
            )
        adapters.write_folder(
            folder,
            self.flat.named(values),
            base=self.spec["base_path"],
            rank=self.hyper["lora_rank"],
            alpha=self.hyper["lora_alpha"],
            dropout=self.hyper["lora_dropout"],
            targets=self.targets,
            files=files,
        )

    # Steps

    def take_step(self) -> float:
        """One optimizer step. Returns the mean loss per trained token. Raises Failed when it is
        no number."""
        h = self.hyper
        batch = [self.examples[i] for i in self.plan[self.step]]
        targets = sum(int(example.trained[1:].sum()) for example in batch)
        self.flat.values.grad.zero_()
        total = 0.0
        for part in self.loss.micro_batches(batch):
            loss = self.loss(part) / targets
            loss.backward()
            self.alive()
            total += float(loss.detach())
        norm = float(self.flat.values.grad.norm())
        if not math.isfinite(total) or not math.isfinite(norm):
            raise Failed(
                "training_diverged",
                f"The loss or its gradient became {norm if math.isfinite(total) else total} at "
                f"step {self.step + 1}; lower learning_rate (it is {h['learning_rate']:g}).",
            )
        if norm > h["max_grad_norm"]:
            self.flat.values.grad.mul_(h["max_grad_norm"] / norm)
        for group in self.optimizer.param_groups:
            group["lr"] = h["learning_rate"] * rate(self.step, len(self.plan), h["warmup_steps"])
        self.optimizer.step()
        if self.ema is not None:
            self.ema.lerp_(self.flat.values, 1 - h["ema_decay"])
        self.step += 1
        self.trained_tokens += sum(len(example.tokens) for example in batch)
        return total

    @torch.no_grad()
    def validation_loss(self) -> float | None:
        if not self.validation:
            return None
        targets = sum(int(example.trained[1:].sum()) for example in self.validation)
        total = 0.0
        for part in self.loss.micro_batches(self.validation):
            total += float(self.loss(part))
            self.alive()
        return total / targets


def train(spec: dict, emit: Emit) -> None:
    """Run the job to its end and write `spec["output"]`. SIGTERM makes it save a checkpoint and
    return early (event `stopped`). Raises Failed or BadData."""
    stop = False

    def on_term(*_) -> None:
        nonlocal stop
        stop = True

    signal.signal(signal.SIGTERM, on_term)
    torch.set_num_threads(spec["threads"])
    training = Training(spec, emit)
    training.resume()
    total = len(training.plan)
    emit(
        {
            "type": "training",
            "hyperparameters": training.hyper,
            "step": training.step,
            "total_steps": total,
            "examples": len(training.examples),
        }
    )
    per_epoch = math.ceil(len(training.examples) / training.hyper["batch_size"])
    every = training.hyper["checkpoint_every_steps"] or per_epoch * math.ceil(
        training.hyper["n_epochs"] / EPOCH_CHECKPOINTS
    )
    report_every = max(1, total // 100)
    saved_at, losses = time.monotonic(), []
    started, started_tokens = time.monotonic(), training.trained_tokens
    while training.step < total:
        losses.append(training.take_step())
        step = training.step
        if step % report_every == 0 or step == total:
            seconds = time.monotonic() - started
            emit(
                {
                    "type": "metrics",
                    "step": step,
                    "total_steps": total,
                    "train_loss": float(np.mean(losses)),
                    "tokens_per_second": round(
                        (training.trained_tokens - started_tokens) / seconds
                    ),
                }
            )
            last_loss, losses = float(np.mean(losses)), []
        overdue = time.monotonic() - saved_at > CHECKPOINT_SECONDS
        if step < total and (stop or overdue or step % every == 0):
            metrics = {"step": step, "train_loss": float(np.mean(losses)) if losses else last_loss}
            training.save_checkpoint(metrics)
            saved_at = time.monotonic()
        if stop and step < total:
            emit({"type": "stopped", "step": step})
            return
    valid = training.validation_loss()
    training.write(Path(spec["output"]), {})
    emit(
        {
            "type": "done",
            "step": total,
            "trained_tokens": training.trained_tokens,
            "valid_loss": valid,
        }
    )


def run(spec: dict, emit: Emit) -> int:
    """`train` with every failure reported as an event. The process's exit code."""
    try:
        if spec.get("train_command"):
            command.train(spec, emit)
        else:
            train(spec, emit)
    except Exception as error:
        emit({"type": "failed", **failure(spec, error)})
    return 0
