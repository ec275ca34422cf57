"""
A simulator that looks measurements up: the row of a table whose quantities are nearest to the settings.

It is given a line of JSON, {"key": "...", "settings": {"density": 7.9, ...}}, and answers with one,
{"measured": 5.1}. The key names the experiment; a simulator that is random would draw from it, so that the same
experiment measures the same.
"""

import json
import sys


def main():
    table, wanted = sys.argv[1:3]
    with open(f"/task/{table}") as file:
        rows = [json.loads(line) for line in file]
    settings = json.loads(sys.stdin.readline())["settings"]

    def distance(row):
        return sum(abs(row[name] / value - 1) for name, value in settings.items())

    print(json.dumps({"measured": min(rows, key=distance)[wanted]}))


if __name__ == "__main__":
    main()
