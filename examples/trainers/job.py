"""What all trainers here share: the job on stdin, events on stdout, and a line of the training file as tokens.

Importing this moves whatever libraries print to stderr: stdout is for events alone.
"""

import json
import os
import sys

_events = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)


def read_job() -> dict:
    """The job, as docs/trainers.md describes it."""
    return json.loads(sys.stdin.readline())


def emit(**event) -> None:
    print(json.dumps(event), file=_events, flush=True)


def read_lines(path: str) -> list[dict]:
    with open(path) as file:
        return [json.loads(line) for line in file if line.strip()]


def prompt_and_answer(line: dict, tokenizer) -> tuple[str, str]:
    """Both as text, so that what is learnt is what the model wrote; earlier answers are prompt."""
    *before, last = line["messages"]
    content = last.get("content") or ""
    if last.get("reasoning_content"):
        content = f"<think>\n{last['reasoning_content']}\n</think>\n\n{content}"
    messages = [{k: v for k, v in one.items() if k != "weight"} for one in before]
    prompt = tokenizer.apply_chat_template(
        messages,
        tokenize=False,
        add_generation_prompt=True,
        **(line.get("chat_template_kwargs") or {}),
    )
    if prompt.rstrip().endswith("<think>"):
        content = content.removeprefix("<think>")
    return prompt, content + tokenizer.eos_token


def tokens_of(line: dict, tokenizer) -> tuple[list[int], list[int]]:
    """Ids of the prompt and of the answer."""
    prompt, answer = prompt_and_answer(line, tokenizer)
    ids = lambda text: tokenizer(text, add_special_tokens=False).input_ids  # noqa: E731
    return ids(prompt), ids(answer)


def metrics():
    """A callback for Transformers' Trainer, and those made of it: each logged loss as an event."""
    from transformers import TrainerCallback  # not before the libraries that patch it

    class Metrics(TrainerCallback):
        def on_log(self, args, state, control, logs=None, **kwargs):
            if "loss" in (logs or {}):
                emit(
                    type="metrics",
                    step=state.global_step,
                    total_steps=state.max_steps,
                    train_loss=float(logs["loss"]),
                )

    return Metrics()
