import unittest

from kit.sequences import longest_rise, lower_bound, moving_average, rotate, run_lengths


class RunLengthsTest(unittest.TestCase):
    def test_runs(self):
        self.assertEqual(run_lengths(["a", "a", "b"]), [("a", 2), ("b", 1)])

    def test_a_value_may_come_again(self):
        self.assertEqual(run_lengths([1, 2, 2, 1]), [(1, 1), (2, 2), (1, 1)])

    def test_one_run(self):
        self.assertEqual(run_lengths([0, 0, 0, 0]), [(0, 4)])

    def test_empty(self):
        self.assertEqual(run_lengths([]), [])


class MovingAverageTest(unittest.TestCase):
    def test_windows_of_two(self):
        self.assertEqual(moving_average([1, 3, 5, 8], 2), [2, 4, 6.5])

    def test_windows_of_three(self):
        self.assertEqual(moving_average([1, 2, 3, 4, 8], 3), [2, 3, 5])

    def test_windows_of_one(self):
        self.assertEqual(moving_average([4, 6], 1), [4, 6])

    def test_as_many_values_as_the_window(self):
        self.assertEqual(moving_average([2, 4], 2), [3])

    def test_too_few_values(self):
        self.assertEqual(moving_average([2, 4], 3), [])
        self.assertEqual(moving_average([], 1), [])

    def test_no_window(self):
        with self.assertRaises(ValueError):
            moving_average([1], 0)


class LowerBoundTest(unittest.TestCase):
    def test_found(self):
        self.assertEqual(lower_bound([1, 3, 5, 7], 5), 2)

    def test_between(self):
        self.assertEqual(lower_bound([1, 3, 5, 7], 4), 2)

    def test_the_first_of_equals(self):
        self.assertEqual(lower_bound([1, 2, 2, 2, 3], 2), 1)

    def test_before_all(self):
        self.assertEqual(lower_bound([4, 6, 8], 1), 0)

    def test_after_all(self):
        self.assertEqual(lower_bound([4, 6, 8], 9), 3)
        self.assertEqual(lower_bound([4, 6, 8], 8), 2)

    def test_empty(self):
        self.assertEqual(lower_bound([], 1), 0)


class RotateTest(unittest.TestCase):
    def test_right(self):
        self.assertEqual(rotate([1, 2, 3, 4], 1), [4, 1, 2, 3])

    def test_left(self):
        self.assertEqual(rotate([1, 2, 3, 4], -1), [2, 3, 4, 1])

    def test_further_than_the_list_is_long(self):
        self.assertEqual(rotate([1, 2, 3], 7), [3, 1, 2])

    def test_not_at_all(self):
        self.assertEqual(rotate([1, 2, 3], 0), [1, 2, 3])

    def test_empty(self):
        self.assertEqual(rotate([], 3), [])


class LongestRiseTest(unittest.TestCase):
    def test_in_the_middle(self):
        self.assertEqual(longest_rise([5, 1, 2, 4, 3]), [1, 2, 4])

    def test_at_the_end(self):
        self.assertEqual(longest_rise([3, 1, 2, 5]), [1, 2, 5])

    def test_the_first_of_equally_long_runs(self):
        self.assertEqual(longest_rise([1, 2, 0, 5]), [1, 2])

    def test_equal_values_end_a_run(self):
        self.assertEqual(longest_rise([1, 2, 2, 3, 4]), [2, 3, 4])

    def test_falling(self):
        self.assertEqual(longest_rise([3, 2, 1]), [3])

    def test_empty(self):
        self.assertEqual(longest_rise([]), [])
