"""A run's report as TensorBoard events: `npx ratchet report RUN --json | python to_tensorboard.py --logdir runs/RUN`.

Needs `pip install tensorboardX`. A step is an iteration, and 0 the model that the run started from. Written anew
each time: give each run a folder of its own.
"""

import argparse
import json
import shutil
import sys

from report import points, settings_of
from tensorboardX import SummaryWriter


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--logdir", required=True)
    options = parser.parse_args()
    report = json.load(sys.stdin)
    shutil.rmtree(options.logdir, ignore_errors=True)
    with SummaryWriter(options.logdir) as writer:
        for name, step, value in points(report):
            writer.add_scalar(name, value, step)
        writer.add_text("run", json.dumps(settings_of(report), indent=2))
    print(f"{report['run']}: {len(points(report))} points in {options.logdir}")


if __name__ == "__main__":
    main()
