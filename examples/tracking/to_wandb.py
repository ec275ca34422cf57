"""A run's report in Weights & Biases: `npx ratchet report RUN --json | python to_wandb.py --project ratchet`.

Needs `pip install wandb` and a login, or WANDB_MODE=offline. The run's id is the run's name, so doing it
again goes on with the same one; steps that are there already are left as they are.
"""

import argparse
import json
import sys

import wandb
from report import points, settings_of


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--project", default="ratchet")
    options = parser.parse_args()
    report = json.load(sys.stdin)
    run = wandb.init(
        project=options.project,
        id=report["run"].replace("/", "-").replace(":", "-"),
        name=report["run"],
        group=report["task"],
        resume="allow",
        config=settings_of(report),
    )
    by_step: dict[int, dict[str, float]] = {}
    for name, step, value in points(report):
        by_step.setdefault(step, {})[name] = value
    there = run.step
    for step in sorted(by_step):
        if step >= there:
            run.log(by_step[step], step=step)
    run.summary.update({"status": report["status"], "promotions": report["totals"]["promotions"]})
    run.finish()


if __name__ == "__main__":
    main()
