"""Commands of Ratchet tasks from Python functions; copy this file, or install it. No dependencies.

A function with one of these decorators becomes a command of the script that holds it:

    @prompts                     python task.py prompts       rows of {"prompt": …}
    @benchmark(role="target")    python task.py NAME          rows of {"prompt": …, "answer": …}
    @calibration                 python task.py calibration   the same
    @reward                      python task.py NAME          as TRL has it: completions in, numbers or None out

`main()` at the script's end runs the one that is asked for; without an argument it prints the lines of the task file
that call them. Rows go to standard output as JSON Lines. Whatever else is printed goes to standard error, so that it
can't get among them.
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["benchmark", "calibration", "main", "prompts", "reward"]
__version__ = "0.1.0"

ROLES = ("target", "guard", "final")

_commands: dict[str, tuple[str, Callable[..., Any], dict[str, str]]] = {}


def _add(name: str, kind: str, function: Callable[..., Any], **more: str) -> Callable[..., Any]:
    if name in _commands:
        raise ValueError(f"two functions of the task are called {name}")
    _commands[name] = (kind, function, more)
    return function


def prompts(function: Callable[[], Iterable[Any]]) -> Callable[[], Iterable[Any]]:
    """Rows without answers: texts, or mappings with a field "prompt"."""
    return _add("prompts", "prompts", function)


def calibration(function: Callable[[], Iterable[Any]]) -> Callable[[], Iterable[Any]]:
    """Problems with known answers, apart from all others: mappings with "prompt" and "answer", or pairs of them."""
    return _add("calibration", "calibration", function)


def benchmark(role: str, name: str | None = None) -> Callable[[Callable[[], Iterable[Any]]], Any]:
    """Held-out problems with known answers, as for calibration. The name is the function's where none is given."""
    if role not in ROLES:
        raise ValueError(f"a benchmark's role is one of {', '.join(ROLES)}, not {role!r}")
    return lambda function: _add(name or function.__name__, "benchmark", function, role=role)


def reward(function: Callable[..., Iterable[Any]]) -> Callable[..., Iterable[Any]]:
    """A reward function as TRL has it: called with prompts and completions by name, and with requests and answers."""
    return _add(function.__name__, "reward", function)


def _row(kind: str, row: Any) -> dict[str, Any]:
    if isinstance(row, str):
        row = {"prompt": row}
    elif isinstance(row, tuple) and len(row) == 2:
        row = {"prompt": row[0], "answer": row[1]}
    if not isinstance(row, Mapping):
        raise TypeError(f"a row of {kind} is a mapping, a text or a pair, not {type(row).__name__}")
    return dict(row)


def _number(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _rewards(function: Callable[..., Iterable[Any]], line: str) -> dict[str, Any]:
    given = json.loads(line)
    token = given.pop("token", None)
    wanted = len(given["completions"])
    rewards = [_number(value) for value in function(**given)]
    if len(rewards) != wanted:
        raise ValueError(f"{function.__name__} gave {len(rewards)} rewards for {wanted} completions")
    return {"token": token, "rewards": rewards}


def _run(name: str, write: Callable[[Any], None]) -> None:
    kind, function, _ = _commands[name]
    if kind == "reward":
        write(_rewards(function, sys.stdin.readline()))
        return
    for row in function():
        write(_row(name, row))


def _lines(script: str) -> str:
    """What the task file says of these commands."""
    lines = []

    def of(name: str) -> str:
        return f"command: [python3, {script}, {name}]"

    kinds = {kind: [(name, more) for name, (one, _, more) in _commands.items() if one == kind] for kind in KINDS}
    for name, _ in kinds["prompts"]:
        lines.append(f"prompts: {{ {of(name)} }}")
    if kinds["benchmark"]:
        lines.append("benchmarks:")
    for name, more in kinds["benchmark"]:
        lines.append(f"  - {{ name: {name}, role: {more['role']}, {of(name)} }}")
    for name, _ in kinds["calibration"]:
        lines.append(f"calibration: {{ {of(name)} }}")
    for name, _ in kinds["reward"][:1]:
        lines.append(f"verify: {{ reward: trl, {of(name)} }}")
    return "\n".join(lines)


KINDS = ("prompts", "benchmark", "calibration", "reward")


def main(arguments: list[str] | None = None) -> None:
    """Runs the command that the arguments name. What the functions print goes to standard error."""
    asked = sys.argv[1:] if arguments is None else arguments
    if not asked:
        print(_lines(os.path.basename(sys.argv[0])))
        return
    if len(asked) > 1 or asked[0] not in _commands:
        sys.exit(f"there is no command {' '.join(asked)!r}; there are: {', '.join(_commands)}")
    sys.stdout.flush()
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        os.dup2(2, 1)
        _run(asked[0], lambda value: print(json.dumps(value, ensure_ascii=False, default=str), file=out))
