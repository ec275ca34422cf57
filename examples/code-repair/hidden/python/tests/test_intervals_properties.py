import random
import unittest

from kit.intervals import gaps, intersection, merge, most_at_once

chance = random.Random(5)


def some_intervals() -> list[tuple[int, int]]:
    starts = [chance.randint(0, 20) for _ in range(chance.randint(0, 6))]
    return [(start, start + chance.randint(1, 6)) for start in starts]


def points(intervals: list[tuple[int, int]]) -> set[int]:
    return {point for start, end in intervals for point in range(start, end)}


def as_intervals(some: set[int]) -> list[tuple[int, int]]:
    """The points in as few intervals as can be, each of which begins after a point that is not there."""
    starts = sorted(point for point in some if point - 1 not in some)
    ends = sorted(point + 1 for point in some if point + 1 not in some)
    return list(zip(starts, ends, strict=True))


class MergeProperties(unittest.TestCase):
    def test_point_by_point(self):
        for _ in range(500):
            without_points = [(end, start) for start, end in some_intervals()[:2]] + [(7, 7)]
            intervals = some_intervals() + without_points
            chance.shuffle(intervals)
            self.assertEqual(merge(intervals), as_intervals(points(intervals)), intervals)


class IntersectionProperties(unittest.TestCase):
    def test_point_by_point(self):
        for _ in range(500):
            a, b = as_intervals(points(some_intervals())), as_intervals(points(some_intervals()))
            self.assertEqual(intersection(a, b), as_intervals(points(a) & points(b)), (a, b))

    def test_both_ways(self):
        for _ in range(100):
            a, b = as_intervals(points(some_intervals())), as_intervals(points(some_intervals()))
            self.assertEqual(intersection(a, b), intersection(b, a))
            self.assertEqual(intersection(a, a), a)


class GapsProperties(unittest.TestCase):
    def test_point_by_point(self):
        for _ in range(500):
            intervals, start = some_intervals(), chance.randint(-3, 15)
            end = start + chance.randint(1, 14)
            free = set(range(start, end)) - points(intervals)
            self.assertEqual(gaps(intervals, start, end), as_intervals(free), (intervals, start, end))


class MostAtOnceProperties(unittest.TestCase):
    def test_point_by_point(self):
        for _ in range(500):
            intervals = some_intervals()
            at_once = [sum(start <= point < end for start, end in intervals) for point in range(30)]
            self.assertEqual(most_at_once(intervals), max(at_once), intervals)
