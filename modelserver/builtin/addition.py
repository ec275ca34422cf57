"""Long addition, place by place: problems, prompts, worked answers and ways to get them wrong.

Difficulty is the number of significant digits n of both numbers. The model reads them zero-padded
to WIDTH places and writes one line per place, lowest first, `a+b+carry=digit,carry`, then `#` and
the sum:

    0000345000+0000678000       the problem 345+678, times 10^3
    0+0+0=0,0
    ...
    #0001023000

A *rewrite* is the same problem times 10^zeros, or with the numbers swapped: its answer maps back
exactly.

Pure Python, so that a task, a test or another language's port can be checked against it without a
model.
"""

import random
import re

WIDTH = 10
"""Places each number is padded to; also the number of working lines."""

TRAINED_DIGITS = (1, 2, 3)
"""The base and the critic are trained on these n only; every harder level is unseen."""

Problem = tuple[int, int]

STEP = re.compile(r"([0-9])\+([0-9])\+([01])=([0-9]),([01])")


def draw(digits: int, rng: random.Random) -> Problem:
    """Two numbers of exactly `digits` significant digits."""
    low, high = 10 ** (digits - 1), 10**digits - 1
    return rng.randint(low, high), rng.randint(low, high)


def canonical(problem: Problem) -> Problem:
    """Equal for all rewrites of a problem: no common trailing zeros, smaller number first."""
    a, b = sorted(problem)
    while b and a % 10 == 0 and b % 10 == 0:
        a, b = a // 10, b // 10
    return a, b


def is_held_out(problem: Problem) -> bool:
    """Whether training shows no rewrite of this problem: 1 in 17 of those with three digits."""
    a, b = canonical(problem)
    return b >= 100 and (a + b) % 17 == 3


def draw_training(rng: random.Random) -> tuple[Problem, int]:
    """A problem of an easy level, never a held-out one, and how many zeros to append."""
    while True:
        digits = rng.choice(TRAINED_DIGITS)
        problem = draw(digits, rng)
        zeros = rng.randint(0, WIDTH - 1 - digits)
        if not is_held_out(problem):
            return problem, zeros


def random_rewrite(problem: Problem, rng: random.Random) -> tuple[Problem, int]:
    """One of the 2·(WIDTH − n) rewrites, as (numbers in the order to write them, zeros)."""
    digits = max(len(str(number)) for number in problem)
    zeros = rng.randint(0, WIDTH - 1 - digits)
    return (problem[::-1] if rng.random() < 0.5 else problem), zeros


def user_content(problem: Problem, zeros: int) -> str:
    """What the user message says; the chat template adds the newline that ends it."""
    return "+".join((str(number) + "0" * zeros).zfill(WIDTH) for number in problem)


def work(problem: Problem, zeros: int) -> str:
    """The right worked answer: WIDTH lines and the line with the sum, without a final newline."""
    return write_out(*places(problem, zeros), slips={}, rng=random.Random(0))


def places(problem: Problem, zeros: int) -> tuple[str, str]:
    """The digits of both numbers, lowest place first."""
    a, b = user_content(problem, zeros).split("+")
    return a[::-1], b[::-1]


SLIPS = (
    "wrong digit",
    "wrong carry",
    "carry not handed on",
    "misread digit",
    "neighbouring digit",
    "shifted from here",
)
"""Errors like those the base makes on sums too long for it, where most are misread digits."""


def corrupt(problem: Problem, zeros: int, rng: random.Random) -> str:
    """A worked answer with one to three slips, mostly at the significant places.

    A slip may turn out harmless (the neighbouring digit is the same): take the labels from
    `verdicts`.
    """
    digits = max(len(str(number)) for number in problem)
    slips = {}
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3))):
        near = rng.randint(zeros, min(zeros + digits, WIDTH - 1))
        slips[near if rng.random() < 0.7 else rng.randrange(WIDTH)] = rng.choice(SLIPS)
    return write_out(*places(problem, zeros), slips=slips, rng=rng)


def write_out(a: str, b: str, slips: dict[int, str], rng: random.Random) -> str:
    """Add two digit strings (lowest place first), making at each place the slip that `slips` names.

    What follows a slip goes on consistently from the wrong digit or carry, as a model would.
    """
    carry, shift, lines, digits = 0, 0, [], ""
    for place in range(WIDTH):
        slip = slips.get(place)
        if slip == "shifted from here":
            shift = rng.choice((-1, 1))
        source = min(max(place + shift, 0), WIDTH - 1)
        operands, carried = [int(a[source]), int(b[source])], carry
        if slip == "misread digit":
            side = rng.randrange(2)
            operands[side] = other_digit(operands[side], rng)
        if slip == "neighbouring digit":
            side, near = rng.randrange(2), min(max(place + rng.choice((-1, 1)), 0), WIDTH - 1)
            operands[side] = int((a, b)[side][near])
        if slip == "carry not handed on":
            carried = 1 - carry
        total = sum(operands) + carried
        digit, carry = total % 10, total // 10
        if slip == "wrong digit":
            digit = other_digit(digit, rng)
        if slip == "wrong carry":
            carry = 1 - carry
        lines.append(f"{operands[0]}+{operands[1]}+{carried}={digit},{carry}")
        digits = str(digit) + digits
    return "\n".join([*lines, "#" + digits])


def other_digit(digit: int, rng: random.Random) -> int:
    """Any decimal digit but this one."""
    return (digit + rng.randint(1, 9)) % 10


def verdicts(problem: Problem, zeros: int, text: str) -> list[bool]:
    """Whether each of the WIDTH working lines holds by itself: the truth that the critic learns.

    A line holds when its digits are the problem's, its carry is the one handed on by the line
    before, and its sum is right. So a line that goes on consistently from an earlier error holds,
    and the work holds when every line does.
    """
    a, b = places(problem, zeros)
    carry, result = "0", []
    for x, y, line in zip(a, b, text.split("\n")[:-1], strict=True):
        match = STEP.fullmatch(line)
        result.append(
            match is not None
            and match.group(1, 2, 3) == (x, y, carry)
            and int(x) + int(y) + int(carry) == int(match[4]) + 10 * int(match[5])
        )
        carry = match[5] if match else ""
    return result


HOLDS, FAILS = "1", "0"
"""The critic's verdicts. Digits, because the base never met `y` and `n` and LoRA leaves their
embeddings as they were initialised."""


def critic_prompt(content: str, text: str, columns: bool = True) -> str | None:
    """The user message that asks the critic about a worked answer; None if a line is out of shape.

    `content` is the solver's user message, `text` the worked answer. Each working line is
    preceded by the two digits of the problem at its place and followed by `#1`: a verdict slot,
    filled in beforehand with HOLDS. P(the line holds) is the probability of that `1` given what
    stands before it, so one forward pass gives all the verdicts:

        0000345000+0000678000
        00,0+0+0=0,0#1
        ...
        58,5+8+0=3,1#1

    The last line is left out: that it repeats the digits above is checked exactly, by
    `well_formed`.
    """
    *steps, _ = text.split("\n")
    if len(steps) != WIDTH or not all(STEP.fullmatch(line) for line in steps):
        return None
    a, b = (number[::-1] for number in content.split("+"))
    marks = [f"{x}{y}," if columns else "" for x, y in zip(a, b, strict=True)]
    lines = [f"{mark}{line}#{HOLDS}" for mark, line in zip(marks, steps, strict=True)]
    return "\n".join([content, *lines])


def critic_slots(question: str) -> list[int]:
    """Where the verdicts stand in the question: the last character of each line but the first.

    One character is one token and nothing stands before the content, so these are token positions
    as well.
    """
    ends = [i - 1 for i, character in enumerate(question + "\n") if character == "\n"]
    return ends[1:]


def read_answer(text: str, zeros: int) -> int | None:
    """The answer mapped back from the rewrite to the problem; None if it cannot be one."""
    found = re.search(rf"\n#([0-9]{{{WIDTH}}})$", text)
    if not found or int(found[1]) % 10**zeros:
        return None
    return int(found[1]) // 10**zeros


def well_formed(text: str) -> bool:
    """Every line has its shape, carries are handed on, the last line repeats the digits.

    Shape only, no arithmetic: 2+2+0=5,0 passes.
    """
    *steps, last = text.split("\n")
    carry, digits = "0", ""
    for line in steps:
        match = STEP.fullmatch(line)
        if not match or match[3] != carry:
            return False
        carry, digits = match[5], match[4] + digits
    return len(steps) == WIDTH and last == "#" + digits
