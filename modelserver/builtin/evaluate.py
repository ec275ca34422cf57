"""Measure the base and the critic per level n = 1…9 and write the numbers as JSON.

    python evaluate.py --base arithmetic --out arithmetic/scores.json
    python evaluate.py --base arithmetic --critic arithmetic-critic \\
        --out arithmetic-critic/scores.json --count 300

Levels above three digits are unseen by both. Problems of three digits are held-out ones; those of
one and two digits are so few that training may have shown them.
"""

import argparse
import json
import math
import random
from pathlib import Path

import addition
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

LEVELS = range(1, addition.WIDTH)
CHUNK = 128

THRESHOLD = 0.5
"""Work passes when every line is likelier to hold than not. Tuning this would take labels of the
harder levels."""


def draw_items(digits: int, count: int, rng: random.Random) -> list[tuple[addition.Problem, int]]:
    """`count` problems of one level, each on a random rewrite."""
    items = []
    while len(items) < count:
        problem = addition.draw(digits, rng)
        if digits != max(addition.TRAINED_DIGITS) or addition.is_held_out(problem):
            items.append(addition.random_rewrite(problem, rng))
    return items


@torch.inference_mode()
def answer(model, tokenizer, items, temperature: float) -> list[str]:
    """One completion per item; temperature 0 is greedy."""
    sampling = {"do_sample": False}
    if temperature:
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0}
    texts = []
    for start in range(0, len(items), CHUNK):
        chats = [
            [{"role": "user", "content": addition.user_content(*item)}]
            for item in items[start : start + CHUNK]
        ]
        inputs = tokenizer.apply_chat_template(
            chats, add_generation_prompt=True, return_tensors="pt", return_dict=True, padding=True
        )
        output = model.generate(**inputs, max_new_tokens=128, **sampling)
        texts += tokenizer.batch_decode(
            output[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True
        )
    return texts


@torch.inference_mode()
def judge(model, tokenizer, questions: list[str]) -> list[float]:
    """P(the work holds): the least probability over the slots of each question that the line holds.

    The questions all have the same length.
    """
    yes = tokenizer.convert_tokens_to_ids(addition.HOLDS)
    # The prediction for a slot stands one place before it.
    before = [slot - 1 for slot in addition.critic_slots(questions[0])]
    scores = []
    for start in range(0, len(questions), CHUNK):
        ids = torch.tensor(
            tokenizer(questions[start : start + CHUNK], add_special_tokens=False)["input_ids"]
        )
        logits = model(input_ids=ids, use_cache=False).logits[:, before]
        scores += logits.softmax(-1)[..., yes].amin(-1).tolist()
    return scores


def associated(caught: int, wrong: int, passed: int, right: int) -> float:
    """One-sided p of Fisher's exact test that verdict and truth are unrelated.

    Under chance, catching wrong work is as likely as failing right work, whatever the critic's
    leaning.
    """
    failed = caught + right - passed
    ways = range(caught, min(wrong, failed) + 1)
    tail = sum(math.comb(wrong, k) * math.comb(right, failed - k) for k in ways)
    return tail / math.comb(wrong + right, failed)


def table(scored: list[tuple[float, bool]]) -> dict:
    """Counts and shares of right work passed and wrong work caught, from (score, holds) pairs."""
    wrong = [score for score, holds in scored if not holds]
    right = [score for score, holds in scored if holds]
    caught, passed = sum(s < THRESHOLD for s in wrong), sum(s >= THRESHOLD for s in right)
    return {
        "wrong": len(wrong),
        "caught": caught,
        "caughtShare": round(caught / len(wrong), 4) if wrong else None,
        "right": len(right),
        "passed": passed,
        "passedShare": round(passed / len(right), 4) if right else None,
        "p": float(f"{associated(caught, len(wrong), passed, len(right)):.2g}"),
    }


def synthetic(digits: int, count: int, rng: random.Random) -> list[tuple[str, bool]]:
    """(question, holds) for right and corrupted work, `count` problems of each."""
    cases = []
    for problem, zeros in draw_items(digits, count, rng):
        for text in (addition.work(problem, zeros), addition.corrupt(problem, zeros, rng)):
            holds = all(addition.verdicts(problem, zeros, text))
            cases.append(
                (addition.critic_prompt(addition.user_content(problem, zeros), text), holds)
            )
    return cases


def own(base, tokenizer, digits: int, count: int, rng: random.Random) -> list[tuple[str, bool]]:
    """(question, holds) for the base's own samples at T = 0.8, without those out of shape."""
    items = draw_items(digits, count, rng)
    cases = []
    for (problem, zeros), text in zip(items, answer(base, tokenizer, items, 0.8), strict=True):
        question = addition.critic_prompt(addition.user_content(problem, zeros), text)
        if question is not None and addition.well_formed(text):
            cases.append((question, all(addition.verdicts(problem, zeros, text))))
    return cases


def measure_base(base, tokenizer, count: int, seed: int) -> dict:
    """Greedy accuracy per level on random rewrites."""
    levels = {}
    for digits in LEVELS:
        items = draw_items(digits, count, random.Random(f"base {seed} {digits}"))
        texts = answer(base, tokenizer, items, 0)
        right = sum(
            addition.read_answer(text, zeros) == sum(problem)
            for text, (problem, zeros) in zip(texts, items, strict=True)
        )
        levels[digits] = {"correct": right, "total": count}
        print(digits, levels[digits], flush=True)
    return {"seed": seed, "decoding": "greedy, one random rewrite per problem", "levels": levels}


def measure_critic(base, critic, tokenizer, count: int, seed: int) -> dict:
    """Wrong work caught and right work passed per level, and whether that is better than chance."""
    scored = {}
    for digits in LEVELS:
        rng = random.Random(f"critic {seed} {digits}")
        torch.manual_seed(seed)
        cases = {
            "synthetic": synthetic(digits, count, rng),
            "own": own(base, tokenizer, digits, count, rng),
        }
        for kind, pairs in cases.items():
            scores = judge(critic, tokenizer, [question for question, _ in pairs])
            scored[digits, kind] = [(s, holds) for s, (_, holds) in zip(scores, pairs, strict=True)]
    levels = {}
    for digits in LEVELS:
        tables = {kind: table(scored[digits, kind]) for kind in ("synthetic", "own")}
        # Own samples count only where there are enough of both kinds to say anything.
        enough = [t for t in tables.values() if min(t["right"], t["wrong"]) >= 20]
        better = bool(enough) and all(t["p"] < 0.001 for t in enough)
        levels[digits] = {"betterThanChance": better, **tables}
        print(digits, json.dumps(levels[digits]), flush=True)
    return {
        "seed": seed,
        "threshold": THRESHOLD,
        "trainedLevels": addition.TRAINED_DIGITS,
        "levels": levels,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--critic", type=Path, help="measure this adapter instead of the base")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--count", type=int, default=200, help="problems per level")
    parser.add_argument("--seed", type=int, default=777)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    tokenizer = AutoTokenizer.from_pretrained(args.base)
    base = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.float32).eval()
    if args.critic:
        second = AutoModelForCausalLM.from_pretrained(args.base, dtype=torch.float32)
        critic = PeftModel.from_pretrained(second, args.critic).eval()
        scores = measure_critic(base, critic, tokenizer, args.count, args.seed)
    else:
        scores = measure_base(base, tokenizer, args.count, args.seed)
    args.out.write_text(json.dumps(scores, indent=2) + "\n")


if __name__ == "__main__":
    main()
