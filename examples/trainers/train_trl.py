"""Trains a Ratchet job with TRL's SFTTrainer: `--train-command "python examples/trainers/train_trl.py"`.

It runs in Ratchet's own tests.
"""

import torch
from datasets import Dataset
from job import (  # first: it moves what others print
    emit,
    metrics,
    prompt_and_answer,
    read_job,
    read_lines,
)
from peft import LoraConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import SFTConfig, SFTTrainer

job = read_job()
hyper = job["hyperparameters"]
model = AutoModelForCausalLM.from_pretrained(job["base"], dtype="auto")
tokenizer = AutoTokenizer.from_pretrained(job["base"])

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
pairs = [prompt_and_answer(line, tokenizer) for line in read_lines(job["training_file"])]
rows = [{"prompt": prompt, "completion": answer} for prompt, answer in pairs]
trainer = SFTTrainer(
    model=model,
    processing_class=tokenizer,
    train_dataset=Dataset.from_list(rows),
    peft_config=lora,
    callbacks=[metrics()],
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
        use_cpu=not torch.cuda.is_available(),
    ),
)
trainer.train()
trainer.model.save_pretrained(job["output"])
emit(type="done", step=trainer.state.global_step, trained_tokens=trainer.state.num_input_tokens_seen)
