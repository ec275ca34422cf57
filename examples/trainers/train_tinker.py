"""Trains a Ratchet job with Thinking Machines' Tinker: `--train-command "python examples/trainers/train_tinker.py"`.

Written from Tinker's documentation and not run in Ratchet's tests. Wants TINKER_API_KEY, and
TINKER_BASE_MODEL: the name under which Tinker has the base (`Qwen/Qwen3-8B`). The prompts and answers
of the training file go to Tinker. It trains each adapter from the base.
"""

import os
import random
import shutil
import sys
from pathlib import Path

import tinker
from job import emit, read_job, read_lines, tokens_of  # first: it moves what others print
from tinker import types
from tinker_cookbook import weights
from transformers import AutoTokenizer

job = read_job()
hyper = job["hyperparameters"]
base_model = os.environ.get("TINKER_BASE_MODEL")
if not base_model:
    emit(type="failed", message="TINKER_BASE_MODEL is not set: the base's name at Tinker.")
    sys.exit(0)
if job["parent"]:
    message = "Tinker can't go on from an adapter on this machine: set training.from to base."
    emit(type="failed", message=message)
    sys.exit(0)
tokenizer = AutoTokenizer.from_pretrained(job["base"])


def datum(line: dict) -> types.Datum:
    """Each token but the first is a target; those of the answer count."""
    prompt, answer = tokens_of(line, tokenizer)
    ids = prompt + answer
    counts = [0.0] * (len(prompt) - 1) + [1.0] * len(answer)
    return types.Datum(
        model_input=types.ModelInput.from_ints(ids[:-1]),
        loss_fn_inputs={"target_tokens": ids[1:], "weights": counts},
    )


data = [datum(line) for line in read_lines(job["training_file"])]
epochs, batch = hyper.get("n_epochs", 3), hyper.get("batch_size", 8)
order = random.Random(job["seed"])
plan = []
for _ in range(epochs):
    shuffled = order.sample(data, len(data))
    plan += [shuffled[i : i + batch] for i in range(0, len(shuffled), batch)]

client = tinker.ServiceClient().create_lora_training_client(
    base_model=base_model, rank=hyper.get("lora_rank", 32), seed=job["seed"]
)
rate, trained = hyper.get("learning_rate", 2e-4), 0
for step, part in enumerate(plan, 1):
    passed = client.forward_backward(part, "cross_entropy")
    stepped = client.optim_step(types.AdamParams(learning_rate=rate * (1 - (step - 1) / len(plan))))
    result = passed.result()
    stepped.result()
    learnt = sum(sum(one.loss_fn_inputs["weights"].data) for one in part)
    trained += sum(one.model_input.length + 1 for one in part)
    emit(
        type="metrics",
        step=step,
        total_steps=len(plan),
        train_loss=float(result.metrics["loss:sum"]) / max(1.0, learnt),
    )

saved = client.save_weights_for_sampler(name="ratchet").result().path
work = Path(job["output"] + ".tinker")
fetched = weights.download(tinker_path=saved, output_dir=str(work / "fetched"))
weights.build_lora_adapter(
    base_model=base_model, adapter_path=fetched, output_path=str(work / "peft")
)
for name in ("adapter_config.json", "adapter_model.safetensors"):
    shutil.copy(work / "peft" / name, Path(job["output"]) / name)
emit(type="done", step=len(plan), trained_tokens=trained)
