"""Tasks of reasoning-gym by name: `python3 task.py prompts chain_sum gcd`. Needs `pip install reasoning-gym`.

All sets are parts of one list of different problems, so that none stands in two. The reward is the task's own verifier.
"""

import sys
from collections.abc import Iterator

import reasoning_gym
from ratchet_tasks import benchmark, calibration, main, prompts, reward

SEED = 1
#: Of each named task: how many problems stand in which part of the list.
PARTS = {"prompts": 300, "target": 100, "final": 100, "calibration": 100}

names = sys.argv[2:] or ["chain_sum"]


def part(wanted: str) -> Iterator[tuple[object, dict]]:
    """The entries of one part, each with the data set that can score it."""
    first = 0
    for name, size in PARTS.items():
        if name == wanted:
            break
        first += size
    for name in names:
        # Small tasks repeat themselves: twice as many as are wanted, and each once.
        data = reasoning_gym.create_dataset(name, seed=SEED, size=2 * sum(PARTS.values()))
        different = list({" ".join(entry["question"].lower().split()): entry for entry in data}.values())
        yield from ((data, entry) for entry in different[first : first + size])


def answered(wanted: str) -> Iterator[tuple[str, str]]:
    for _, entry in part(wanted):
        yield entry["question"], str(entry["answer"])


@prompts
def pool() -> Iterator[str]:
    for _, entry in part("prompts"):
        yield entry["question"]


@benchmark(role="target")
def target() -> Iterator[tuple[str, str]]:
    return answered("target")


@benchmark(role="final")
def final() -> Iterator[tuple[str, str]]:
    return answered("final")


@calibration
def known() -> Iterator[tuple[str, str]]:
    return answered("calibration")


@reward
def verifies(prompts: list[str], answers: list[str], **kwargs: object) -> list[float | None]:
    """The score that the task's verifier gives; nothing for a prompt that is not of the pool."""
    entries = {entry["question"]: (data, entry) for data, entry in part("prompts")}

    def one(prompt: str, answer: str) -> float | None:
        if prompt not in entries:
            return None
        data, entry = entries[prompt]
        return data.score_answer(answer=answer, entry=entry)

    return [one(prompt, answer) for prompt, answer in zip(prompts, answers, strict=True)]


if __name__ == "__main__":
    main(sys.argv[1:2])
