"""A fine-tuning job done by a command of the operator's (`--train-command`), instead of our trainer.

The command reads the job, one JSON object, from stdin, writes events as JSON lines to stdout, and
leaves a PEFT LoRA folder where the job's `output` says. It runs under the job's own process and is
killed with it, so a cancelled job, or a server that died, leaves none behind; a job that was cut
off is started again from its beginning.
"""

from __future__ import annotations

import json
import math
import os
import queue
import shlex
import shutil
import subprocess
import threading
from pathlib import Path

from safetensors import safe_open

from . import adapters
from .hyper import Failed
from .lifetime import die_with_parent

SILENCE_SECONDS = 1800
"""Without an event for so long, the command is taken to hang (RATCHET_TRAIN_SILENCE_SECONDS)."""


def job_of(spec: dict, output: Path) -> dict:
    """What the command reads; see docs/trainers.md."""
    folder = Path(spec["folder"])
    valid = folder / "valid.jsonl"
    return {
        "base": spec["base_path"],
        "parent": spec["parent"],
        "training_file": str(folder / "train.jsonl"),
        "validation_file": str(valid) if valid.exists() else None,
        "hyperparameters": {
            key: value for key, value in spec["hyper"].items() if value not in (None, "auto")
        },
        "seed": spec["seed"],
        "max_length": spec["max_length"],
        "output": str(output),
    }


def train(spec: dict, emit) -> None:
    """Run the command to its end. Raises Failed with what was wrong with it or its adapter."""
    final = Path(spec["output"])
    output = final.with_name(f".{final.name}.command.tmp")
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    try:
        done = follow(spec, job_of(spec, output), emit)
        check(output, Path(spec["base_path"]))
        shutil.rmtree(final, ignore_errors=True)
        os.replace(output, final)
    finally:
        shutil.rmtree(output, ignore_errors=True)
    emit(
        {
            "type": "done",
            "step": done.get("step", 0),
            "trained_tokens": done.get("trained_tokens", 0),
            "valid_loss": done.get("valid_loss"),
        }
    )


def follow(spec: dict, job: dict, emit) -> dict:
    """Pass the command's events on. Its `done` event."""
    parent = os.getpid()
    try:
        process = subprocess.Popen(
            shlex.split(spec["train_command"]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=lambda: die_with_parent(parent),
        )
    except (OSError, ValueError) as error:
        raise Failed("train_command", f"The train command could not be started: {error}") from None
    lines: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    try:
        try:
            process.stdin.write(json.dumps(job).encode() + b"\n")
            process.stdin.close()
        except BrokenPipeError:
            pass  # its exit code says more
        done = events(lines, spec, emit)
        try:
            code = process.wait(60)
        except subprocess.TimeoutExpired:
            raise Failed("train_command", "The train command closed its output and hangs.") from None
        if code:
            raise Failed("train_command", f"The train command ended with {code}; see the log.")
        if done is None:
            raise Failed("train_command", "The train command ended without a 'done' event.")
        return done
    finally:
        if process.poll() is None:
            os.killpg(process.pid, 9)
            process.wait()


def events(lines: queue.Queue, spec: dict, emit) -> dict | None:
    """The `done` event, or None when the output ended without one."""
    silence = float(os.environ.get("RATCHET_TRAIN_SILENCE_SECONDS", SILENCE_SECONDS))
    emit({"type": "training", "hyperparameters": spec["hyper"], **counts(spec)})
    done = None
    while True:
        try:
            line = lines.get(timeout=silence)
        except queue.Empty:
            message = f"The train command wrote no event for {silence:g} seconds; it was ended."
            raise Failed("train_command", message) from None
        if line is None:
            return done
        if line.strip():
            event = parse(line)
            if event["type"] == "metrics":
                emit({key: event[key] for key in ("type", "step", "total_steps", "train_loss")})
            elif event["type"] == "failed":
                raise Failed("train_command", str(event.get("message", "no reason given"))[:500])
            else:
                done = event


def counts(spec: dict) -> dict:
    lines = (Path(spec["folder"]) / "train.jsonl").read_bytes().splitlines()
    return {"step": 0, "total_steps": 0, "examples": sum(bool(line.strip()) for line in lines)}


def parse(line: bytes) -> dict:
    """Raises Failed for what is no event."""
    shown = line[:200].decode(errors="replace").strip()
    bad = lambda why: Failed(  # noqa: E731
        "train_command", f"The train command wrote a line that {why} (logs go to stderr): {shown}"
    )
    try:
        event = json.loads(line)
    except ValueError:
        raise bad("is no JSON") from None
    kind = event.get("type") if isinstance(event, dict) else None
    if kind not in ("metrics", "done", "failed"):
        raise bad("is no event of type metrics, done or failed")
    if kind == "metrics":
        loss = event.get("train_loss")
        if any(type(event.get(key)) is not int for key in ("step", "total_steps")):
            raise bad("lacks the whole numbers step and total_steps")
        if type(loss) not in (int, float) or not math.isfinite(loss):
            raise bad("has a train_loss that is no finite number")
    numbers = [event.get(key, 0) for key in ("step", "trained_tokens")]
    if kind == "done" and any(type(number) is not int for number in numbers):
        raise bad("has a step or trained_tokens that is no whole number")
    return event


def check(folder: Path, base: Path) -> None:
    """Raises Failed unless `folder` holds a LoRA adapter of `base` with finite values."""
    try:
        adapters.read_config(folder)
        with safe_open(folder / "adapter_model.safetensors", framework="pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}
        adapters.check_finite(folder)
        check_shapes(shapes, base)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise Failed("train_command", f"The train command left no usable adapter: {error}") from None
    except Exception as error:  # safetensors' own
        if type(error).__name__ != "SafetensorError":
            raise
        raise Failed("train_command", f"The adapter's weights can't be read: {error}") from None


def check_shapes(shapes: dict[str, list[int]], base: Path) -> None:
    """Raises ValueError when an adapter with tensors of `shapes` does not fit the base."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.device("meta"):
        module = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(base))
    modules = dict(module.named_modules())
    lowered = [key for key in shapes if key.endswith(".lora_A.weight")]
    if not lowered:
        raise ValueError("it holds no LoRA weights")
    for key in lowered:
        name = key.removeprefix(adapters.PREFIX).removesuffix(".lora_A.weight")
        other = shapes.get(key.replace(".lora_A.", ".lora_B."))
        weight = getattr(modules.get(name), "weight", None)
        fits = weight is not None and other is not None
        if not fits or {shapes[key][-1], other[0]} != set(weight.shape):
            raise ValueError(f"{name} does not fit the base {base.name}: was another one trained?")
