import itertools
import random
import unittest
from collections import deque

from kit.sequences import longest_rise, lower_bound, moving_average, rotate, run_lengths

chance = random.Random(4)


def some_numbers(longest: int, high: int = 4) -> list[int]:
    return [chance.randint(0, high) for _ in range(chance.randint(0, longest))]


class RunLengthsProperties(unittest.TestCase):
    def test_as_itertools_groups(self):
        for _ in range(300):
            values = some_numbers(14, 2)
            before = values.copy()
            expected = [(value, len(list(run))) for value, run in itertools.groupby(before)]
            self.assertEqual(run_lengths(values), expected)
            self.assertEqual(values, before)


class MovingAverageProperties(unittest.TestCase):
    def test_each_window_by_itself(self):
        for _ in range(300):
            values, size = some_numbers(12, 90), chance.randint(1, 9)
            expected = [sum(values[at : at + size]) / size for at in range(len(values) - size + 1)]
            averages = moving_average(values, size)
            self.assertEqual(len(averages), len(expected), (values, size))
            for average, mean in zip(averages, expected, strict=True):
                self.assertAlmostEqual(average, mean)

    def test_no_window(self):
        for size in (0, -1, -5):
            self.assertRaises(ValueError, moving_average, [1, 2, 3], size)


class LowerBoundProperties(unittest.TestCase):
    def test_as_many_as_are_below(self):
        for _ in range(500):
            values, target = sorted(some_numbers(12, 9)), chance.randint(-1, 10)
            self.assertEqual(lower_bound(values, target), sum(value < target for value in values), (values, target))


class RotateProperties(unittest.TestCase):
    def test_as_a_deque_rotates(self):
        for _ in range(300):
            values, by = list(range(chance.randint(0, 7))), chance.randint(-20, 20)
            turned = deque(values)
            turned.rotate(by)
            self.assertEqual(rotate(values, by), list(turned), (values, by))
            self.assertEqual(values, list(range(len(values))))


class LongestRiseProperties(unittest.TestCase):
    def test_against_all_slices(self):
        for _ in range(500):
            values = some_numbers(9, 5)
            slices = [values[i:j] for i in range(len(values)) for j in range(i + 1, len(values) + 1)]
            rising = [part for part in slices if all(a < b for a, b in itertools.pairwise(part))]
            self.assertEqual(longest_rise(values), max(rising, key=len, default=[]), values)
