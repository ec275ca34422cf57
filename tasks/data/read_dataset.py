"""Writes the rows of a data set as JSON Lines: NAME CONFIG SPLIT, as `datasets.load_dataset` takes them.

An empty CONFIG is none.
"""

import json
import sys


def main() -> None:
    name, config, split = sys.argv[1:4]
    try:
        from datasets import load_dataset
    except ImportError:
        sys.exit(
            f"the Python package datasets is missing for {sys.executable}: pip install datasets, "
            "or set RATCHET_PYTHON to a Python that has it"
        )
    try:
        rows = load_dataset(name, config or None, split=split)
    except Exception as error:
        sys.exit(f"{name}: {type(error).__name__}: {error}")
    for row in rows:
        print(json.dumps(row, ensure_ascii=False, default=str))


if __name__ == "__main__":
    main()
