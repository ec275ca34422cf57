"""What the clients in Python share: the work (work.ts says what it is), the vote, and what was done."""

import json
import os
import re
from collections import Counter

FORM = 'Write one line of work, then "#### " and the number.'


def read_work() -> dict:
    with open(os.environ["PEER_WORK"], encoding="utf-8") as file:
        return json.load(file)


def answer_of(text: str | None) -> str | None:
    found = re.search(r"#### (\d+)", text or "")
    return found.group(1) if found else None


def winner(texts: list[str], answers: list[str | None]) -> str:
    """A text that gives the answer that most give."""
    most = Counter(answers).most_common(1)[0][0]
    return texts[answers.index(most)]


def holds(text: str | None) -> bool:
    return json.loads(text or "{}").get("verdict") == "holds"


def tell(work: dict, samples: int, critiques: int) -> None:
    with open(work["out"], "w", encoding="utf-8") as file:
        json.dump({"samples": samples, "critiques": critiques}, file)
