"""A guard that Inspect of the UK AI Security Institute measures (pip install inspect-ai openai).

    python inspect_guard.py problems.jsonl items     its problems, a JSON line each
    python inspect_guard.py problems.jsonl           asks the model at RATCHET_BASE_URL; a score for each, a line each

Put your own task in the place of `problems`. Only problems and scores go to standard output.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
from collections.abc import Iterator

from inspect_ai import Task, eval, task
from inspect_ai.dataset import FieldSpec, json_dataset
from inspect_ai.log import EvalSample
from inspect_ai.model import get_model
from inspect_ai.scorer import CORRECT, INCORRECT, match
from inspect_ai.solver import generate, prompt_template

ASK = 'Solve the problem step by step. End with a line "ANSWER: " and the number.\n\n{prompt}'
Line = dict[str, object]


@task
def problems(file: str) -> Task:
    fields = FieldSpec(input="question", target="answer")
    return Task(
        dataset=json_dataset(file, fields),
        solver=[prompt_template(ASK), generate()],
        scorer=match(numeric=True),
    )


def scores(file: str, limit: int | None) -> Iterator[Line]:
    model = get_model(
        f"openai-api/ratchet/{os.environ['RATCHET_MODEL']}",
        base_url=os.environ["RATCHET_BASE_URL"],
        api_key=os.environ.get("OPENAI_API_KEY", "none"),
    )
    # Its log is read as the samples are.
    with tempfile.TemporaryDirectory() as logs:
        [log] = eval(
            problems(file),
            model,
            limit=limit,
            temperature=0,
            max_connections=int(os.environ.get("RATCHET_CONCURRENCY", "1")),
            # A sample that fails is one that was not measured; the others go on.
            fail_on_error=False,
            display="none",
            log_dir=logs,
        )
        if log.status != "success":
            why = log.error.message if log.error else "not told why"
            raise SystemExit(f"the evaluation ended as {log.status}: {why}")
        for sample in log.samples or []:
            yield score_of(sample)


def score_of(sample: EvalSample) -> Line:
    line: Line = {"prompt": sample.input, "response": sample.output.completion}
    if sample.error or not sample.scores:
        print(f"sample {sample.id}: {sample.error.message if sample.error else 'has no score'}", file=sys.stderr)
        return {**line, "ok": None}
    score = next(iter(sample.scores.values()))
    if score.value not in (CORRECT, INCORRECT):
        raise SystemExit(f"sample {sample.id} has the score {score.value}: a guard needs right or wrong")
    # A scorer that tells no answer says nothing of whether it could read one.
    return {**line, "ok": score.value == CORRECT, **({"answer": score.answer} if score.answer else {})}


def items(file: str, limit: int | None) -> Iterator[Line]:
    for sample in list(problems(file).dataset)[:limit]:
        yield {"prompt": sample.input, "answer": sample.target}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", help="JSON Lines with question and answer")
    parser.add_argument("mode", nargs="?", choices=["items", "scores"], default="scores")
    parser.add_argument("--limit", type=int, help="the first problems only")
    options = parser.parse_args()
    with contextlib.redirect_stdout(sys.stderr):
        lines = list((items if options.mode == "items" else scores)(options.file, options.limit))
    for line in lines:
        print(json.dumps(line))


if __name__ == "__main__":
    main()
