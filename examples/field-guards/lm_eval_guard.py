"""A guard that EleutherAI's lm-evaluation-harness measures, by its own tasks and metrics (pip install "lm-eval[api]").

    python lm_eval_guard.py gsm8k items     its problems, a JSON line each
    python lm_eval_guard.py gsm8k           asks the model at RATCHET_BASE_URL; a score for each, a line each

The task is one of lm-eval's by name, or a YAML file of yours. Only problems and scores go to standard output.
"""

import argparse
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import lm_eval
from lm_eval.api.task import Task
from lm_eval.tasks import TaskManager

Line = dict[str, object]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", help="name of a task of lm-eval, or a YAML file")
    parser.add_argument("mode", nargs="?", choices=["items", "scores"], default="scores")
    parser.add_argument("--limit", type=int, help="the first problems only")
    parser.add_argument("--field", help="of a document, which is the problem's text; default: what the task asks")
    parser.add_argument("--filter", help="of the task, whose answer counts; default: its first")
    parser.add_argument("--metric", help="that is 1 for right and 0 for wrong; default: the task's first")
    parser.add_argument("--completions", action="store_true", help="ask for text completions, not in a chat")
    parser.add_argument("--tokenizer", help="with --completions, of the model: for tasks that compare likelihoods")
    return parser.parse_args()


def load(given: str) -> tuple[str, Task, TaskManager]:
    path = Path(given).resolve()
    own = path.suffix in {".yaml", ".yml"}
    manager = TaskManager(include_path=str(path.parent), include_defaults=False) if own else TaskManager()
    names = [name for name, entry in manager.task_index.items() if entry.yaml_path == path] if own else [given]
    loaded = manager.load(names)["tasks"] if names else {}
    if len(loaded) != 1:
        raise SystemExit(f"{given}: has {len(loaded)} tasks; make a guard of each: {', '.join(loaded)}")
    [(name, task)] = loaded.items()
    return name, task, manager


def text_of(task: Task, doc: dict, field: str | None) -> str:
    return str(doc[field] if field else task.doc_to_text(doc))


def items(options: argparse.Namespace) -> Iterator[Line]:
    _, task, _ = load(options.task)
    for _, doc in task.doc_iterator(limit=options.limit):
        yield {"prompt": text_of(task, doc, options.field), "answer": str(task.doc_to_target(doc))}


def scores(options: argparse.Namespace) -> Iterator[Line]:
    name, task, manager = load(options.task)
    base_url, route = os.environ["RATCHET_BASE_URL"], "completions" if options.completions else "chat/completions"
    results = lm_eval.simple_evaluate(
        model=f"local-{route.replace('/', '-')}",
        model_args={
            "model": os.environ["RATCHET_MODEL"],
            "base_url": f"{base_url}/{route}",
            "num_concurrent": int(os.environ.get("RATCHET_CONCURRENCY", "1")),
            # Requests wait for their turn at the endpoint, too.
            "timeout": 3600,
            "tokenizer_backend": "huggingface" if options.tokenizer else "none",
            "tokenizer": options.tokenizer,
        },
        tasks=[name],
        task_manager=manager,
        limit=options.limit,
        apply_chat_template=not options.completions,
        bootstrap_iters=0,
        log_samples=True,
    )
    samples = results["samples"][name]
    wanted = options.filter or samples[0]["filter"]
    for sample in samples:
        if sample["filter"] != wanted:
            continue
        metric = options.metric or sample["metrics"][0]
        value = sample[metric]
        if value not in (0, 1):
            raise SystemExit(f"{metric} is {value}: name one that is 0 or 1 with --metric ({sample['metrics']})")
        answer = sample["filtered_resps"][0]
        yield {
            "prompt": text_of(task, sample["doc"], options.field),
            "ok": bool(value == 1),
            # What a filter gives where it finds nothing.
            "answer": None if answer == "[invalid]" and value != 1 else str(answer),
            "response": str(sample["resps"][0][0]),
        }


def without_doubles(lines: Iterator[Line]) -> Iterator[Line]:
    """Ratchet knows a problem by its text: the first of two with one text is the one that counts."""
    seen: set[str] = set()
    for line in lines:
        key = " ".join(str(line["prompt"]).lower().split())
        if key not in seen:
            yield line
        seen.add(key)


def main() -> None:
    options = arguments()
    with contextlib.redirect_stdout(sys.stderr):
        lines = list(without_doubles(items(options) if options.mode == "items" else scores(options)))
    if not lines:
        raise SystemExit(f"{options.task}: no problem was found")
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    main()
