"""A fine-tuning job done by a command of the operator's (`--train-command`), instead of our trainer.

The command reads the job, one JSON object, from stdin, writes events as JSON lines to stdout, and
leaves a PEFT LoRA folder where the job's `output` says. It runs under the job's own process and is
killed with it, so a cancelled job, or a server that died, leaves none behind; a job that was cut
off is started again from its beginning.
"""

from __future__ import annotations

import json
import os
import queue
import shlex
import shutil
import subprocess
import threading
import time
from pathlib import Path

from . import adapters
from .dataset import raw_lines, read_lines
from .hyper import Failed
from .lifetime import die_with_parent
from .log import one_line
from .template import Template

SILENCE_SECONDS = 1800
"""Without an event for so long, a training is taken to hang (RATCHET_TRAIN_SILENCE_SECONDS)."""

LONGEST_EVENT = 1 << 20
"""Bytes of a line."""
MOST_METRICS = 10_000
"""Metrics events, after which one a second is kept."""
MOST = 2**53
"""The largest number that every reader of JSON takes as it is."""


def silence_seconds() -> float:
    return float(os.environ.get("RATCHET_TRAIN_SILENCE_SECONDS", SILENCE_SECONDS))


def job_of(spec: dict, output: Path) -> dict:
    """What the command reads; see docs/trainers.md."""
    folder = Path(spec["folder"])
    valid = folder / "valid.jsonl"
    template = template_of(Path(spec["base_path"]))
    return {
        "base": spec["base_path"],
        "parent": spec["parent"],
        "training_file": str(prepared(folder / "train.jsonl", template)),
        "validation_file": str(prepared(valid, template)) if valid.exists() else None,
        "hyperparameters": {
            key: value for key, value in spec["hyper"].items() if value not in (None, "auto")
        },
        "seed": spec["seed"],
        "max_length": spec["max_length"],
        "output": str(output),
    }


def template_of(base: Path) -> Template:
    from .registry import load_tokenizer

    return Template(load_tokenizer(base))


def prepared(path: Path, template: Template) -> Path:
    """The file that the command reads: with a template that refuses system messages, or two turns of
    one role, its messages are put as generation put them. Else the file itself."""
    if not (template.folds_system or template.joins_turns):
        return path
    target = path.with_name(f"prepared-{path.name}")
    with target.open("w", encoding="utf-8") as file:
        for _, line in read_lines(path):
            messages = [
                message.plain() | ({} if message.weight is None else {"weight": message.weight})
                for message in line.messages
            ]
            row = {"messages": template.prepare(messages)}
            if line.chat_template_kwargs is not None:
                row["chat_template_kwargs"] = line.chat_template_kwargs
            file.write(json.dumps(row) + "\n")
    return target


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
    lines: queue.Queue[bytes | None] = queue.Queue(1000)

    def read() -> None:
        while line := process.stdout.readline(LONGEST_EVENT):
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
    silence = silence_seconds()
    emit({"type": "training", "hyperparameters": spec["hyper"], **counts(spec)})
    done, seen, said = None, 0, 0.0
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
                seen += 1
                if seen > MOST_METRICS and time.monotonic() - said < 1:
                    continue
                said = time.monotonic()
                emit({key: event[key] for key in ("type", "step", "total_steps", "train_loss")})
            elif event["type"] == "failed":
                why = one_line(str(event.get("message", ""))) or "no reason given"
                raise Failed("train_command", why[:500])
            else:
                done = event


def counts(spec: dict) -> dict:
    lines = raw_lines(Path(spec["folder"]) / "train.jsonl")
    return {"step": 0, "total_steps": 0, "examples": sum(1 for _ in lines)}


def parse(line: bytes) -> dict:
    """Raises Failed for what is no event."""
    shown = line[:200].decode(errors="replace").strip()
    bad = lambda why: Failed(  # noqa: E731
        "train_command", f"The train command wrote a line that {why} (logs go to stderr): {shown}"
    )
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        raise bad("is no JSON") from None
    kind = event.get("type") if isinstance(event, dict) else None
    if kind not in ("metrics", "done", "failed"):
        raise bad("is no event of type metrics, done or failed")
    if kind == "metrics":
        loss = event.get("train_loss")
        if not all(is_count(event.get(key)) for key in ("step", "total_steps")):
            raise bad("lacks the whole numbers step and total_steps")
        if not is_finite(loss):
            raise bad("has a train_loss that is no finite number")
    if kind == "done":
        if not all(is_count(event.get(key, 0)) for key in ("step", "trained_tokens")):
            raise bad("has a step or trained_tokens that is no whole number")
        if event.get("valid_loss") is not None and not is_finite(event["valid_loss"]):
            raise bad("has a valid_loss that is no finite number")
    return event


def is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= MOST


def is_finite(value: object) -> bool:
    return type(value) in (int, float) and abs(value) <= MOST


def check(folder: Path, base: Path) -> None:
    """Raises Failed unless `folder` holds a LoRA adapter of `base` with finite values."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(base, trust_remote_code=False)
        with torch.device("meta"):
            module = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
        adapters.check(folder, module)
    except (ValueError, OSError, KeyError, TypeError) as error:
        raise Failed("train_command", f"The train command left no usable adapter: {error}") from None
