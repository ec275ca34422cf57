"""
Writes elements.jsonl: properties of solid elements as pymatgen ships them (its periodic table, MIT licence), a line
for each element of which all are known.

    pip install pymatgen-core==2026.10.16
    python3 examples/discovery/make_elements.py
"""

import gzip
import json
from importlib.util import find_spec
from pathlib import Path

NAMES = {
    "youngs_modulus": "Youngs modulus",  # GPa
    "density": "Density of solid",  # kg/m3
    "velocity_of_sound": "Velocity of sound",  # m/s
}


def number(value):
    """A plain number; what is a range, a bound or a remark is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def main():
    folder = Path(find_spec("pymatgen").submodule_search_locations[0])
    with gzip.open(folder / "core" / "periodic_table.json.gz") as file:
        table = json.load(file)
    here = Path(__file__).parent
    rows = []
    for symbol, element in sorted(table.items()):
        values = {name: number(element.get(theirs)) for name, theirs in NAMES.items()}
        if not symbol.startswith("_") and None not in values.values():
            values["density"] /= 1000  # g/cm3
            values["velocity_of_sound"] /= 1000  # km/s
            row = {name: float(f"{value:.6g}") for name, value in values.items()}
            rows.append({"element": symbol, **row})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (here / "elements.jsonl").write_text(text)
    print(f"{len(rows)} elements")


if __name__ == "__main__":
    main()
