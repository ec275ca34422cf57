"""Trains a Ratchet job with Unsloth on a CUDA card: `--train-command "python examples/trainers/train_unsloth.py"`.

Written from Unsloth's documentation and not run in Ratchet's tests, which have no card.
"""

from datasets import Dataset
from job import emit, metrics, read_job, read_lines, tokens_of  # first: it moves what others print
from transformers import DataCollatorForSeq2Seq, Trainer, TrainingArguments
from unsloth import (  # before transformers, which it patches
    FastLanguageModel,
    is_bfloat16_supported,
)

job = read_job()
hyper = job["hyperparameters"]
# An adapter's folder is loaded with its base, and goes on being trained.
model, tokenizer = FastLanguageModel.from_pretrained(
    model_name=job["parent"] or job["base"],
    max_seq_length=job["max_length"],
    load_in_4bit=False,
)
if not job["parent"]:
    rank = hyper.get("lora_rank", 16)
    model = FastLanguageModel.get_peft_model(
        model,
        r=rank,
        lora_alpha=hyper.get("lora_alpha", 2 * rank),
        lora_dropout=hyper.get("lora_dropout", 0.0),
        target_modules=[
            "q_proj",
            "k_proj",
            "v_proj",
            "o_proj",
            "gate_proj",
            "up_proj",
            "down_proj",
        ],
        use_gradient_checkpointing="unsloth",
        random_state=job["seed"],
    )


def row(line):
    prompt, answer = tokens_of(line, tokenizer)
    return {"input_ids": prompt + answer, "labels": [-100] * len(prompt) + answer}


rows = [row(line) for line in read_lines(job["training_file"])]
epochs = hyper.get("n_epochs", 3)
trainer = Trainer(
    model=model,
    train_dataset=Dataset.from_list(rows),
    data_collator=DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100),
    callbacks=[metrics()],
    args=TrainingArguments(
        output_dir=job["output"] + ".unsloth",
        num_train_epochs=epochs,
        per_device_train_batch_size=min(hyper.get("batch_size", 8), 8),
        gradient_accumulation_steps=max(1, hyper.get("batch_size", 8) // 8),
        learning_rate=hyper.get("learning_rate", 2e-4),
        weight_decay=hyper.get("weight_decay", 0.0),
        seed=job["seed"],
        logging_steps=1,
        save_strategy="no",
        report_to=[],
        bf16=is_bfloat16_supported(),
        fp16=not is_bfloat16_supported(),
    ),
)
trainer.train()
model.save_pretrained(job["output"])
emit(
    type="done",
    step=trainer.state.global_step,
    trained_tokens=epochs * sum(len(one["input_ids"]) for one in rows),
)
