"""--train-command, with commands of every kind of manners, in the job's process."""

from __future__ import annotations

import json
import shlex
import sys

import pytest
import torch
from conftest import EXAMPLES, ROOT, tiny_adapter
from ratchet_modelserver import command
from ratchet_modelserver.hyper import Failed
from ratchet_modelserver.schemas import Hyperparameters

TRL = ROOT.parent / "examples" / "trainers" / "train_trl.py"


@pytest.fixture
def job(model_folder, tmp_path):
    """Runs a job by a command: (the events, the adapter's folder)."""
    folder = tmp_path / "training"
    folder.mkdir()
    (folder / "train.jsonl").write_text("".join(json.dumps(one) + "\n" for one in EXAMPLES))

    def run(*words):
        spec = {
            "folder": str(folder),
            "output": str(tmp_path / "adapters" / "job"),
            "base_path": str(model_folder),
            "parent": None,
            "max_length": 128,
            "hyper": Hyperparameters(n_epochs=1, batch_size=2).model_dump(),
            "seed": 1,
            "train_command": shlex.join([sys.executable, *map(str, words)]),
        }
        events = []
        command.train(spec, events.append)
        return events, tmp_path / "adapters" / "job"

    return run


METRICS = '{"type": "metrics", "step": 1, "total_steps": 2, "train_loss": 0.5}'
DONE = '{"type": "done", "step": 2, "trained_tokens": 10}'


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("print('loading ...')", "no JSON"),
        ("print('[1]')", "no event of type"),
        (f"print('''{METRICS.replace('0.5', 'NaN')}''')", "no finite number"),
        ("import sys; sys.exit(3)", "ended with 3"),
        (f"print('''{METRICS}''')", "without a 'done' event"),
        (f"print('''{DONE}''')", "no adapter_config.json"),
        ('print(\'{"type": "failed", "message": "no such card"}\')', "no such card"),
    ],
)
def test_bad_output_fails_the_job_with_the_reason(job, program, reason):
    with pytest.raises(Failed, match=reason):
        job("-c", program)


def test_a_command_that_hangs_is_ended(job, monkeypatch):
    monkeypatch.setenv("RATCHET_TRAIN_SILENCE_SECONDS", "1")
    with pytest.raises(Failed, match="no event for 1 seconds"):
        job("-c", "import time; time.sleep(600)")


def copying(source) -> str:
    return (
        "import json, shutil, sys; job = json.loads(sys.stdin.readline());"
        f"shutil.copytree({str(source)!r}, job['output'], dirs_exist_ok=True);"
        f"print('''{METRICS}'''); print('''{DONE}''')"
    )


def test_a_good_command_gives_the_adapter(job, model_folder, tmp_path):
    tiny_adapter(model_folder, tmp_path / "made", 1)
    events, folder = job("-c", copying(tmp_path / "made"))
    assert [event["type"] for event in events] == ["training", "metrics", "done"]
    assert (folder / "adapter_model.safetensors").exists()


def test_an_adapter_of_another_base_or_without_numbers_is_refused(job, model_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    tiny_adapter(model_folder, tmp_path / "made", 1)
    path = tmp_path / "made" / "adapter_model.safetensors"
    weights = load_file(path)
    key = next(iter(weights))
    save_file({**weights, key: torch.full_like(weights[key], torch.nan)}, path)
    with pytest.raises(Failed, match="no finite numbers"):
        job("-c", copying(tmp_path / "made"))
    save_file({**weights, key: torch.zeros(4, 999)}, path)
    with pytest.raises(Failed, match="does not fit the base"):
        job("-c", copying(tmp_path / "made"))


def test_trl_trains_a_job(job):
    events, folder = job(TRL)
    assert [event["type"] for event in events][0::3] and events[-1]["type"] == "done"
    assert sum(event["type"] == "metrics" for event in events) == 2
    command.adapters.check_finite(folder)
