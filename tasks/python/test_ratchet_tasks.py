"""The decorators make commands: rows alone on standard output, rewards in TRL's signature, mistakes by name."""

import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent
HEAD = "import sys\nfrom ratchet_tasks import *\n"


def run(body: str, *arguments: str, given: str = "") -> subprocess.CompletedProcess:
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "task.py"
        script.write_text(f"{HEAD}{body}\nmain()\n")
        return subprocess.run(
            [sys.executable, str(script), *arguments],
            input=given,
            capture_output=True,
            text=True,
            env={"PYTHONPATH": str(HERE), "PATH": "/usr/bin:/bin", "PYTHONIOENCODING": "utf-8"},
        )


def rows(done: subprocess.CompletedProcess) -> list:
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


TASK = """
@prompts
def pool():
    print("made by", "pool")
    yield "é?"
    yield {"prompt": "b", "note": 1}

@benchmark(role="target")
def exam():
    return [("1 + 1", 2)]

@benchmark(role="final", name="last")
def other():
    return [{"prompt": "1 + 2", "answer": "3"}]

@calibration
def known():
    return [("1 + 3", "4")]

@reward
def right(prompts, completions, **kwargs):
    import os
    os.system("echo loud")
    return [None if p == "?" else float(c == "x") for p, c in zip(prompts, completions)]
"""


class Commands(unittest.TestCase):
    def test_rows_come_alone(self):
        done = run(TASK, "prompts")
        self.assertEqual(rows(done), [{"prompt": "é?"}, {"prompt": "b", "note": 1}])
        self.assertIn("made by pool", done.stderr)
        self.assertEqual(rows(run(TASK, "exam")), [{"prompt": "1 + 1", "answer": 2}])
        self.assertEqual(rows(run(TASK, "last")), [{"prompt": "1 + 2", "answer": "3"}])
        self.assertEqual(rows(run(TASK, "calibration")), [{"prompt": "1 + 3", "answer": "4"}])

    def test_rewards_are_a_number_or_nothing_for_each(self):
        given = {"token": "t", "prompts": ["a", "?", "c"], "completions": ["x", "x", "y"], "answers": []}
        done = run(TASK, "right", given=json.dumps(given) + "\n")
        self.assertEqual(rows(done), [{"token": "t", "rewards": [1.0, None, 0.0]}])

    def test_a_reward_that_is_no_number_is_nothing(self):
        body = "@reward\ndef r(completions, **_):\n    return [float('nan'), float('inf'), True]"
        done = run(body, "r", given='{"token": "t", "completions": ["a", "b", "c"]}\n')
        self.assertEqual(rows(done)[0]["rewards"], [None, None, 1.0])

    def test_too_few_rewards_are_refused(self):
        body = "@reward\ndef r(completions, **_):\n    return [1.0]"
        done = run(body, "r", given='{"token": "t", "completions": ["a", "b"]}\n')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("r gave 1 rewards for 2 completions", done.stderr)

    def test_without_an_argument_it_says_what_the_task_file_needs(self):
        self.assertEqual(
            run(TASK).stdout,
            "prompts: { command: [python3, task.py, prompts] }\n"
            "benchmarks:\n"
            "  - { name: exam, role: target, command: [python3, task.py, exam] }\n"
            "  - { name: last, role: final, command: [python3, task.py, last] }\n"
            "calibration: { command: [python3, task.py, calibration] }\n"
            "verify: { reward: trl, command: [python3, task.py, right] }\n",
        )

    def test_mistakes_are_named(self):
        for body, arguments, said in [
            (TASK, ["pool"], "there is no command 'pool'; there are: prompts, exam, last, calibration, right"),
            ("@benchmark(role='exam')\ndef a(): ...", [], "a benchmark's role is one of target, guard, final"),
            ("@prompts\ndef a(): ...\n@prompts\ndef b(): ...", [], "two functions of the task are called prompts"),
            ("@prompts\ndef a():\n    yield 5", ["prompts"], "a row of prompts is a mapping, a text or a pair"),
        ]:
            done = run(body, *arguments)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(said, done.stderr)


if __name__ == "__main__":
    unittest.main()
