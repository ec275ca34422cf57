"""A task in Python: how many letters a word has. Copy this folder and put your own functions in their places."""

import random
import re
from collections.abc import Iterator

from ratchet_tasks import benchmark, calibration, main, prompts, reward

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def words(seed: str, count: int, length: range) -> list[str]:
    rng = random.Random(seed)
    return ["".join(rng.choices(LETTERS, k=rng.choice(length))) for _ in range(count)]


def ask(word: str) -> str:
    return f'How many letters has the word "{word}"?'


def problems(seed: str, count: int) -> Iterator[tuple[str, str]]:
    for word in words(seed, count, range(4, 13)):
        yield ask(word), str(len(word))


@prompts
def pool() -> Iterator[str]:
    for word in words("pool", 400, range(4, 13)):
        yield ask(word)


@benchmark(role="target")
def target() -> Iterator[tuple[str, str]]:
    return problems("target", 100)


@benchmark(role="final")
def final() -> Iterator[tuple[str, str]]:
    return problems("final", 100)


@calibration
def known() -> Iterator[tuple[str, str]]:
    return problems("known", 100)


@reward
def spells(prompts: list[str], completions: list[str], **kwargs: object) -> list[float | None]:
    """The share of the word's letters that the work writes out one by one; nothing to say where it spells nothing."""

    def one(prompt: str, completion: str) -> float | None:
        word = re.findall(r'"(\w+)"', prompt)[0]
        spelled = "".join(re.findall(r"\b([a-z])\b", completion.lower()))
        if not spelled:
            return None
        return sum(a == b for a, b in zip(word, spelled, strict=False)) / max(len(word), len(spelled))

    return [one(prompt, completion) for prompt, completion in zip(prompts, completions, strict=True)]


if __name__ == "__main__":
    main()
