"""Trains a Ratchet job with TRL's SFTTrainer: `--train-command "python examples/trainers/train_trl.py"`.

Reads the job from stdin, writes events to stdout; whatever libraries print goes to stderr.
"""

import json
import os
import sys

events = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # stdout is for events alone

from datasets import Dataset
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

job = json.loads(sys.stdin.readline())
hyper = job["hyperparameters"]
model = AutoModelForCausalLM.from_pretrained(job["base"], dtype="auto")
tokenizer = AutoTokenizer.from_pretrained(job["base"])


def emit(**event):
    print(json.dumps(event), file=events, flush=True)


def example(line):
    """Prompt and answer as text, so that what is learnt is what the model wrote."""
    *before, last = line["messages"]
    content = last.get("content") or ""
    if last.get("reasoning_content"):
        content = f"<think>\n{last['reasoning_content']}\n</think>\n\n{content}"
    arguments = line.get("chat_template_kwargs") or {}
    prompt = tokenizer.apply_chat_template(
        before, tokenize=False, add_generation_prompt=True, **arguments
    )
    if prompt.rstrip().endswith("<think>"):
        content = content.removeprefix("<think>")
    return {"prompt": prompt, "completion": content + tokenizer.eos_token}


class Events(TrainerCallback):
    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in (logs or {}):
            emit(
                type="metrics",
                step=state.global_step,
                total_steps=state.max_steps,
                train_loss=float(logs["loss"]),
            )


lora = None
if job["parent"]:
    model = PeftModel.from_pretrained(model, job["parent"], is_trainable=True)
else:
    rank = hyper.get("lora_rank", 16)
    lora = LoraConfig(
        r=rank,
        lora_alpha=hyper.get("lora_alpha", 2 * rank),
        lora_dropout=hyper.get("lora_dropout", 0.0),
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    )
with open(job["training_file"]) as file:
    rows = [example(json.loads(line)) for line in file if line.strip()]
trainer = SFTTrainer(
    model=model,
    processing_class=tokenizer,
    train_dataset=Dataset.from_list(rows),
    peft_config=lora,
    callbacks=[Events()],
    args=SFTConfig(
        output_dir=job["output"] + ".trl",
        num_train_epochs=hyper.get("n_epochs", 3),
        per_device_train_batch_size=min(hyper.get("batch_size", 8), 8),
        gradient_accumulation_steps=max(1, hyper.get("batch_size", 8) // 8),
        learning_rate=hyper.get("learning_rate", 2e-4),
        weight_decay=hyper.get("weight_decay", 0.0),
        seed=job["seed"],
        max_length=job["max_length"],
        completion_only_loss=True,
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        bf16=model.dtype.itemsize == 2,
    ),
)
trainer.train()
trainer.model.save_pretrained(job["output"])
emit(type="done", step=trainer.state.global_step, trained_tokens=trainer.state.num_input_tokens_seen)
