"""Loads an exported adapter as its card says, and reads the card as the hub does.

usage: check_adapter.py FOLDER BASE PROMPT; prints one JSON object.
"""

import json
import sys

import torch
from huggingface_hub import ModelCard
from peft import PeftConfig, PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

folder, base, prompt = sys.argv[1:]
torch.set_num_threads(1)
tokenizer = AutoTokenizer.from_pretrained(base)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder).eval()
messages = [{"role": "user", "content": prompt}]
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
ids = inputs["input_ids"]
with torch.no_grad():
    output = model.generate(**inputs, max_new_tokens=130, do_sample=False)
    with model.disable_adapter():
        plain = model.generate(**inputs, max_new_tokens=130, do_sample=False)
read = lambda rows: tokenizer.decode(rows[0, ids.shape[1] :], skip_special_tokens=True)  # noqa: E731

card = ModelCard.load(f"{folder}/README.md").data
print(
    json.dumps(
        {
            "answer": read(output),
            "base_answer": read(plain),
            "base_in_config": PeftConfig.from_pretrained(folder).base_model_name_or_path,
            "card": {
                "base_model": card.base_model,
                "library_name": card.library_name,
                "license": card.license,
                "results": [
                    [one.dataset_split, one.metric_type, one.metric_value]
                    for one in card.eval_results or []
                ],
            },
        }
    )
)
