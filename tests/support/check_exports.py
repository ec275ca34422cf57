"""Loads exported files as the tools that they are for load them, and trains on them for a step or two.

usage: check_exports.py OPENAI SFT PREFERENCE JSONL MODEL FOLDER; prints one JSON object.
"""

import json
import sys
from collections import defaultdict

from datasets import load_dataset


def openai_format_errors(dataset: list) -> dict:
    """OpenAI Cookbook, "Data preparation and analysis for chat model fine-tuning"
    (examples/Chat_finetuning_data_prep.ipynb): its "Format validation" cell as published."""
    format_errors = defaultdict(int)
    for ex in dataset:
        if not isinstance(ex, dict):
            format_errors["data_type"] += 1
            continue

        messages = ex.get("messages", None)
        if not messages:
            format_errors["missing_messages_list"] += 1
            continue

        for message in messages:
            if "role" not in message or "content" not in message:
                format_errors["message_missing_key"] += 1

            if any(
                k not in ("role", "content", "name", "function_call", "weight") for k in message
            ):
                format_errors["message_unrecognized_key"] += 1

            if message.get("role", None) not in ("system", "user", "assistant", "function"):
                format_errors["unrecognized_role"] += 1

            content = message.get("content", None)
            function_call = message.get("function_call", None)

            if (not content and not function_call) or not isinstance(content, str):
                format_errors["missing_content"] += 1

        if not any(message.get("role", None) == "assistant" for message in messages):
            format_errors["example_missing_assistant_message"] += 1
    return dict(format_errors)


def load(path: str):
    return load_dataset("json", data_files=path, split="train")


def main() -> None:
    openai, sft, preference, plain, model, folder = sys.argv[1:]
    with open(openai, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    found = {
        "openai_errors": openai_format_errors(lines),
        "openai_keys": sorted({key for line in lines for key in line}),
        "openai_last_roles": sorted({line["messages"][-1]["role"] for line in lines}),
        # The checks can fail.
        "broken_errors": openai_format_errors(
            [{"messages": [{"role": "user", "content": ""}, {"rolle": "assistant"}]}, [], {}]
        ),
    }
    loaded = {
        name: load(path)
        for name, path in {
            "openai": openai,
            "sft": sft,
            "preference": preference,
            "jsonl": plain,
            "metadata": f"{openai}.metadata.jsonl",
        }.items()
    }
    for name, data in loaded.items():
        found[name] = {"rows": len(data), "columns": data.column_names}

    from transformers import AutoTokenizer
    from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

    tokenizer = AutoTokenizer.from_pretrained(model)
    common = {
        "max_steps": 2,
        "per_device_train_batch_size": 4,
        "report_to": [],
        "save_strategy": "no",
        "logging_steps": 1,
        "use_cpu": True,
        "disable_tqdm": True,
    }
    for name, data, trainer_of, config_of in [
        ("sft", loaded["sft"], SFTTrainer, SFTConfig),
        ("openai", loaded["openai"], SFTTrainer, SFTConfig),
        ("preference", loaded["preference"], DPOTrainer, DPOConfig),
    ]:
        trainer = trainer_of(
            model=model,
            args=config_of(output_dir=f"{folder}/{name}", **common),
            train_dataset=data,
            processing_class=tokenizer,
        )
        trainer.train()
        losses = [log["loss"] for log in trainer.state.log_history if "loss" in log]
        found[name] |= {"steps": trainer.state.global_step, "losses": losses}
        if name == "sft":
            row = trainer.train_dataset[0]
            trained = [label for label in row["labels"] if label != -100]
            found[name]["trained_text"] = tokenizer.decode(trained)
    print(json.dumps(found))


main()
