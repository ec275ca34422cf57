"""Train the critic: a LoRA adapter on the base that says, line by line, whether work holds.

    python train_critic.py --base arithmetic --out arithmetic-critic

It sees right and corrupted work of sums of one to three digits, never a harder sum and never a
model's own answer. The text is as in `addition.critic_prompt`: all verdict slots are filled in
beforehand, in training as in use, so that one forward pass asks about all lines at once. Process
supervision as in Lightman et al., "Let's Verify Step by Step" (arXiv 2305.20050); easy-to-hard as
in Sun et al. (arXiv 2403.09472). About 15 minutes on one CPU thread.
"""

import argparse
import json
import random
import time
from pathlib import Path

import addition
import torch
from peft import LoraConfig, get_peft_model
from train_base import IGNORED, cosine, next_token_loss
from transformers import AutoModelForCausalLM, AutoTokenizer

TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

Case = tuple[str, list[bool]]
"""A question, and for each of its slots whether that line holds."""


def whole(rng: random.Random, columns: bool) -> Case:
    """A whole question; a third of the work is right."""
    problem, zeros = addition.draw_training(rng)
    right = rng.random() < 1 / 3
    text = addition.work(problem, zeros) if right else addition.corrupt(problem, zeros, rng)
    question = addition.critic_prompt(addition.user_content(problem, zeros), text, columns)
    return question, addition.verdicts(problem, zeros, text)


def window(rng: random.Random, columns: bool, lines: int = 3) -> Case:
    """A few lines of a question around the significant places, with many slips.

    Most lines of a whole question are zeros, which teach little: a window has a quarter of the
    tokens and most of what there is to learn.
    """
    problem, zeros = addition.draw_training(rng)
    slips = {}
    if rng.random() < 0.8:
        slips = {
            place: rng.choice(addition.SLIPS)
            for place in range(addition.WIDTH)
            if rng.random() < 0.4
        }
    text = addition.write_out(*addition.places(problem, zeros), slips=slips, rng=rng)
    question = addition.critic_prompt(addition.user_content(problem, zeros), text, columns)
    first = min(rng.randint(max(0, zeros - 1), zeros + 2), addition.WIDTH - lines)
    part = slice(first, first + lines)
    return "\n" + "\n".join(question.split("\n")[1:][part]), addition.verdicts(
        problem, zeros, text
    )[part]


def tensors(cases: list[Case], tokenizer) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids and labels, both [cases, length], labels at the verdict slots only.

    All questions have the same length, so there is no padding.
    """
    holds_id, fails_id = tokenizer.convert_tokens_to_ids([addition.HOLDS, addition.FAILS])
    ids, labels = [], []
    for question, truths in cases:
        ids.append(tokenizer.encode(question, add_special_tokens=False))
        label = [IGNORED] * len(ids[-1])
        for slot, holds in zip(addition.critic_slots(question), truths, strict=True):
            label[slot] = holds_id if holds else fails_id
        labels.append(label)
    return torch.tensor(ids), torch.tensor(labels)


def train(model, tokenizer, make, args, steps: int, batch_size: int, learning_rate: float) -> None:
    """Train on cases drawn by `make`, with an optimizer and a schedule of its own."""
    rng = random.Random(f"{make.__name__} {args.seed}")
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    started = time.monotonic()
    model.train()
    for step in range(steps):
        cases = [make(rng, bool(args.columns)) for _ in range(batch_size)]
        ids, labels = tensors(cases, tokenizer)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * cosine(step, steps, warmup=50)
        loss = next_token_loss(model, ids, labels)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        if (step + 1) % 50 == 0:
            line = {"cases": make.__name__, "step": step + 1, "loss": round(loss.item(), 5)}
            print(json.dumps(line | {"seconds": round(time.monotonic() - started)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True, help="folder of the base model")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the adapter to")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--window-steps", type=int, default=1000)
    parser.add_argument("--whole-steps", type=int, default=200)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--columns", type=int, default=1, help="0: do not repeat the digits before each line"
    )
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    base = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.float32)
    config = LoraConfig(
        r=args.rank, lora_alpha=2 * args.rank, target_modules=TARGETS, task_type="CAUSAL_LM"
    )
    model = get_peft_model(base, config)
    train(model, tokenizer, window, args, args.window_steps, batch_size=64, learning_rate=2e-3)
    train(model, tokenizer, whole, args, args.whole_steps, batch_size=32, learning_rate=1e-3)

    # PEFT would otherwise record a folder of the machine it was trained on.
    model.peft_config["default"].base_model_name_or_path = args.base.name
    model.save_pretrained(args.out)
    (args.out / "adapter_model.safetensors").chmod(0o644)


if __name__ == "__main__":
    main()
