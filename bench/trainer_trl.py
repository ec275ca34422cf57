"""Our LoRA trainer beside TRL's SFTTrainer: the same base, examples, rank, batch and epochs, in one run.

Two files of examples: questions as they stand, and the same behind four worked examples that nothing
is learnt of, which our trainer reads once per pass. Each trainer runs in a process of its own, twice,
over one part of the examples and over all; what it does per token is the difference of the two, so
loading the model and starting up do not count. Tokens are all of an example's, whoever reads them how
often; CPU seconds are the process's own.

    PYTHONPATH=modelserver python bench/trainer_trl.py --model DIR [--examples 96] [--threads 2]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from modelserver_generate import EXAMPLES, questions

ROOT = Path(__file__).resolve().parent.parent
BATCH, RANK, RATE = 8, 16, 2e-4
OURS = """
import json, sys
from ratchet_modelserver import trainer
sys.exit(trainer.run(json.loads(sys.stdin.readline()), lambda event: print(json.dumps(event), flush=True)))
"""


def line(question: str, number: int, shown: bool) -> dict:
    turns = []
    for asked, answer in EXAMPLES if shown else []:
        turns += [
            {"role": "user", "content": asked},
            {"role": "assistant", "content": answer, "weight": 0},
        ]
    answer = {"role": "assistant", "content": f"{number} + {number} = {2 * number}\n#### {2 * number}"}
    return {"messages": [*turns, {"role": "user", "content": question}, answer]}


def write(path: Path, count: int, shown: bool) -> None:
    asked = questions(count)
    lines = [json.dumps(line(question, 10 + i, shown)) for i, question in enumerate(asked)]
    path.write_text("\n".join(lines) + "\n")


def run(which: str, model: Path, file: Path, threads: int) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of one job of one epoch."""
    hyper = {"n_epochs": 1, "batch_size": BATCH, "learning_rate": RATE, "lora_rank": RANK}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "train.jsonl").write_bytes(file.read_bytes())
        common = {"seed": 0, "max_length": 2048, "parent": None, "output": f"{scratch}/adapter"}
        if which == "ours":
            command = [sys.executable, "-c", OURS]
            job = {
                **common,
                "folder": scratch,
                "base_path": str(model),
                "hyper": {**hyper, "checkpoint_every_steps": 1_000_000},
                "device": "cpu",
                "dtype": "bfloat16",
                "threads": threads,
                "train_command": None,
            }
        else:
            command = [sys.executable, str(ROOT / "examples" / "trainers" / "train_trl.py")]
            job = {
                **common,
                "base": str(model),
                "training_file": str(folder / "train.jsonl"),
                "hyperparameters": hyper,
            }
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        done = subprocess.run(
            command,
            input=json.dumps(job) + "\n",
            text=True,
            capture_output=True,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )
        wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        events = [json.loads(one) for one in done.stdout.splitlines() if one.startswith("{")]
        if done.returncode or not events or events[-1]["type"] != "done":
            raise SystemExit(f"{which}: {done.stdout[-500:]}\n{done.stderr[-2000:]}")
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="a Hugging Face folder")
    parser.add_argument("--examples", type=int, default=96)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    from ratchet_modelserver.dataset import read_examples
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(options.model)
    few, all_of = options.examples // 4, options.examples
    print("| examples | trainer | tokens | CPU s | tokens per CPU second | wall s |\n|---|---|---|---|---|---|")
    for shown in (False, True):
        rates = {}
        with tempfile.TemporaryDirectory() as scratch:
            sizes, files = [], []
            for count in (few, all_of):
                file = Path(scratch) / f"{count}.jsonl"
                write(file, count, shown)
                found = read_examples(file, tokenizer, [tokenizer.eos_token_id], 2048)
                files.append(file)
                sizes.append(sum(len(one.tokens) for one in found))
            for which in ("ours", "TRL"):
                part = run(which, options.model, files[0], options.threads)
                whole = run(which, options.model, files[1], options.threads)
                cpu, wall = whole[0] - part[0], whole[1] - part[1]
                rates[which] = (sizes[1] - sizes[0]) / cpu
                kind = "behind four worked examples" if shown else "as they stand"
                row = [kind, which, sizes[1] - sizes[0], f"{cpu:.0f}", f"{rates[which]:.0f}", f"{wall:.0f}"]
                print(f"| {' | '.join(map(str, row))} |", flush=True)
        print(f"\nours / TRL, {kind}: {rates['ours'] / rates['TRL']:.2f}\n", flush=True)


if __name__ == "__main__":
    main()
