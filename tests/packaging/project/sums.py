"""Sums, made where they are asked for; `python sums.py pool.parquet` writes a pool as a file."""

import random
import sys
from collections.abc import Iterator

from ratchet_tasks import benchmark, main, prompts


def sums(seed: str, count: int) -> Iterator[tuple[str, str]]:
    rng = random.Random(seed)
    for _ in range(count):
        a, b = rng.randrange(100, 1000), rng.randrange(100, 1000)
        yield f"{a}+{b}", str(a + b)


@prompts
def pool() -> Iterator[str]:
    return (question for question, _ in sums("pool", 40))


@benchmark(role="target")
def target() -> Iterator[tuple[str, str]]:
    return sums("target", 20)


def write_pool(path: str) -> None:
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"prompt": [question for question, _ in sums("file", 12)]}), path)


if __name__ == "__main__":
    write_pool(sys.argv[1]) if sys.argv[-1].endswith(".parquet") else main()
