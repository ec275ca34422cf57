"""Trains a Ratchet job with Axolotl: `--train-command "python examples/trainers/train_axolotl.py"`.

Written from Axolotl's documentation and not run in Ratchet's tests. Axolotl gets a configuration
and a file of tokens, so what is learnt is what the model wrote, whatever its templates do.
"""

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path

from job import emit, read_job, read_lines, tokens_of  # first: it moves what others print
from transformers import AutoTokenizer

job = read_job()
hyper = job["hyperparameters"]
work = Path(job["output"] + ".axolotl")
work.mkdir(parents=True, exist_ok=True)
tokenizer = AutoTokenizer.from_pretrained(job["base"])

trained = 0
rows = [tokens_of(line, tokenizer) for line in read_lines(job["training_file"])]
with open(work / "train.jsonl", "w") as file:
    for prompt, answer in rows:
        ids = prompt + answer
        trained += len(ids)
        row = {
            "input_ids": ids,
            "attention_mask": [1] * len(ids),
            "labels": [-100] * len(prompt) + answer,
        }
        file.write(json.dumps(row) + "\n")

epochs, batch = hyper.get("n_epochs", 3), hyper.get("batch_size", 8)
rank = hyper.get("lora_rank", 16)
config = {
    "base_model": job["base"],
    "datasets": [{"path": str(work / "train.jsonl"), "ds_type": "json", "type": ""}],
    "dataset_prepared_path": str(work / "prepared"),
    "output_dir": str(work / "out"),
    "adapter": "lora",
    "lora_model_dir": job["parent"],
    "lora_r": rank,
    "lora_alpha": hyper.get("lora_alpha", 2 * rank),
    "lora_dropout": hyper.get("lora_dropout", 0.0),
    "lora_target_linear": True,
    "sequence_len": job["max_length"],
    "num_epochs": epochs,
    "micro_batch_size": min(batch, 8),
    "gradient_accumulation_steps": max(1, batch // 8),
    "learning_rate": hyper.get("learning_rate", 2e-4),
    "weight_decay": hyper.get("weight_decay", 0.0),
    "lr_scheduler": "cosine",
    "optimizer": "adamw_torch",
    "bf16": "auto",
    "seed": job["seed"],
    "logging_steps": 1,
    "val_set_size": 0,
    "saves_per_epoch": 0,
}
# JSON is YAML.
(work / "config.yaml").write_text(json.dumps({k: v for k, v in config.items() if v is not None}))

total = epochs * math.ceil(len(rows) / batch)
step, seen = 0, []
command = ["axolotl", "train", str(work / "config.yaml")]
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for line in process.stdout:
    print(line, end="", file=sys.stderr)
    seen = [*seen[-4:], line.strip()]
    loss = re.search(r"'loss': '?([\d.eE+-]+)", line)
    if loss:
        step += 1
        emit(
            type="metrics", step=step, total_steps=max(step, total), train_loss=float(loss.group(1))
        )
if process.wait() != 0:
    emit(type="failed", message=f"axolotl ended with {process.returncode}: {' / '.join(seen)}")
    sys.exit(0)
for name in ("adapter_config.json", "adapter_model.safetensors"):
    shutil.copy(work / "out" / name, Path(job["output"]) / name)
emit(type="done", step=step, trained_tokens=epochs * trained)
