import unittest

from kit.intervals import gaps, intersection, merge, most_at_once


class MergeTest(unittest.TestCase):
    def test_overlapping(self):
        self.assertEqual(merge([(1, 4), (3, 6)]), [(1, 6)])

    def test_touching(self):
        self.assertEqual(merge([(1, 3), (3, 5)]), [(1, 5)])

    def test_apart(self):
        self.assertEqual(merge([(1, 2), (3, 4)]), [(1, 2), (3, 4)])

    def test_one_within_another(self):
        self.assertEqual(merge([(1, 10), (2, 3), (9, 11)]), [(1, 11)])

    def test_any_order(self):
        self.assertEqual(merge([(5, 7), (1, 2), (6, 9)]), [(1, 2), (5, 9)])

    def test_without_points(self):
        self.assertEqual(merge([(4, 4), (6, 2), (1, 2)]), [(1, 2)])
        self.assertEqual(merge([]), [])


class IntersectionTest(unittest.TestCase):
    def test_one_pair(self):
        self.assertEqual(intersection([(1, 5)], [(3, 8)]), [(3, 5)])

    def test_touching_share_nothing(self):
        self.assertEqual(intersection([(1, 3)], [(3, 5)]), [])

    def test_one_over_several(self):
        self.assertEqual(intersection([(0, 10)], [(1, 2), (4, 12)]), [(1, 2), (4, 10)])

    def test_several_over_one(self):
        self.assertEqual(intersection([(1, 2), (4, 12)], [(0, 10)]), [(1, 2), (4, 10)])

    def test_many(self):
        self.assertEqual(intersection([(0, 2), (5, 9)], [(1, 6), (8, 12)]), [(1, 2), (5, 6), (8, 9)])

    def test_with_nothing(self):
        self.assertEqual(intersection([], [(1, 2)]), [])
        self.assertEqual(intersection([(1, 2)], []), [])


class GapsTest(unittest.TestCase):
    def test_between(self):
        self.assertEqual(gaps([(2, 4), (6, 8)], 0, 10), [(0, 2), (4, 6), (8, 10)])

    def test_nothing_is_taken(self):
        self.assertEqual(gaps([], 3, 5), [(3, 5)])

    def test_all_is_taken(self):
        self.assertEqual(gaps([(0, 6), (5, 10)], 0, 10), [])

    def test_beyond_both_ends(self):
        self.assertEqual(gaps([(-5, 2), (9, 20)], 0, 10), [(2, 9)])
        self.assertEqual(gaps([(12, 20)], 0, 10), [(0, 10)])

    def test_one_within_another(self):
        self.assertEqual(gaps([(1, 8), (2, 3)], 0, 10), [(0, 1), (8, 10)])

    def test_any_order(self):
        self.assertEqual(gaps([(6, 8), (0, 5)], 0, 8), [(5, 6)])


class MostAtOnceTest(unittest.TestCase):
    def test_apart(self):
        self.assertEqual(most_at_once([(1, 2), (5, 6)]), 1)

    def test_overlapping(self):
        self.assertEqual(most_at_once([(1, 5), (2, 6), (4, 7)]), 3)

    def test_touching(self):
        self.assertEqual(most_at_once([(3, 5), (1, 3)]), 1)

    def test_the_peak_is_over_before_the_end(self):
        self.assertEqual(most_at_once([(0, 9), (1, 2), (3, 4), (3, 5)]), 3)

    def test_none(self):
        self.assertEqual(most_at_once([]), 0)
