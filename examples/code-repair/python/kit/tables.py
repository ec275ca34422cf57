"""Rows and columns: reading, adding up, ranking, joining and laying out."""


def parse_csv_line(line: str) -> list[str]:
    """The fields of one line of comma-separated values (RFC 4180). A field in double quotes may
    hold commas, and a quote written twice; blanks belong to the field. An empty line is one empty
    field; a quote that is not closed raises ValueError."""
    fields, field, quoted, at = [], "", False, 0
    while at < len(line):
        char = line[at]
        if quoted and line[at : at + 2] == '""':
            field += '"'
            at += 1
        elif char == '"':
            quoted = not quoted
        elif char == "," and not quoted:
            fields.append(field)
            field = ""
        else:
            field += char
        at += 1
    if quoted:
        raise ValueError("a quote is not closed")
    return fields + [field]


def group_sums(rows: list[dict], key: str, value: str) -> dict:
    """The sum of the column `value` for each value of the column `key`, in order of first
    appearance. A row without `value` counts as 0; a row without `key` is left out."""
    sums: dict = {}
    for row in rows:
        if key not in row:
            continue
        group = row[key]
        sums[group] = sums.get(group, 0) + row.get(value, 0)
    return sums


def rank(scores: list[float]) -> list[int]:
    """The rank of each score, in the order given: 1 for the highest. Equal scores share a rank, and
    the next lower one counts them all: 9, 7, 7, 5 are ranked 1, 2, 2, 4."""
    ordered = sorted(scores, reverse=True)
    ranks: dict = {}
    for place, score in enumerate(ordered, start=1):
        if score not in ranks:
            ranks[score] = place
    return [ranks[score] for score in scores]


def join(left: list[dict], right: list[dict], key: str) -> list[dict]:
    """One row for each pair of a left and a right row with the same value of `key`, in the order of
    the left rows, then the right ones. It has the columns of both; where both have one, the left
    value stays. Rows without `key` match nothing."""
    matches: dict = {}
    for row in right:
        if key in row:
            matches.setdefault(row[key], []).append(row)
    joined = []
    for row in left:
        if key in row:
            for match in matches.get(row[key], []):
                joined.append({**match, **row})
    return joined


def align(rows: list[list[str]]) -> list[str]:
    """The rows as lines of text: each column as wide as its longest cell, two blanks between
    columns, no blanks at the end of a line. Rows may be of different lengths."""
    widths: list[int] = []
    for row in rows:
        for column, cell in enumerate(row):
            if column == len(widths):
                widths.append(0)
            widths[column] = max(widths[column], len(cell))
    lines = []
    for row in rows:
        cells = [cell.ljust(widths[column]) for column, cell in enumerate(row)]
        lines.append("  ".join(cells).rstrip())
    return lines
