"""Intervals as pairs (start, end), the end not included: (1, 3) and (3, 5) touch and share nothing."""

Interval = tuple[int, int]


def merge(intervals: list[Interval]) -> list[Interval]:
    """The same points in as few intervals as can be, in order: those that overlap or touch become
    one. Intervals without a point, whose end is not above their start, are left out."""
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def intersection(a: list[Interval], b: list[Interval]) -> list[Interval]:
    """The points that both lists have, as intervals in order. Each list must be in order and
    without overlaps, as `merge` makes it."""
    common: list[Interval] = []
    i = j = 0
    while i < len(a) and j < len(b):
        start = max(a[i][0], b[j][0])
        end = min(a[i][1], b[j][1])
        if start < end:
            common.append((start, end))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return common


def gaps(intervals: list[Interval], start: int, end: int) -> list[Interval]:
    """What the intervals leave free between `start` and `end`, in order. They may overlap, come in
    any order and reach beyond both; each has its end above its start."""
    free: list[Interval] = []
    at = start
    for left, right in sorted(intervals):
        if at < min(left, end):
            free.append((at, min(left, end)))
        at = max(at, right)
    if at < end:
        free.append((at, end))
    return free


def most_at_once(intervals: list[Interval]) -> int:
    """The greatest number of intervals that have a point in common, 0 without intervals. One that
    ends where another starts has no point in common with it."""
    events = []
    for start, end in intervals:
        events.append((start, 1))
        events.append((end, -1))
    most = running = 0
    for _, change in sorted(events):
        running += change
        most = max(most, running)
    return most
