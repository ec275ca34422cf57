import unittest

from kit.tables import align, group_sums, join, parse_csv_line, rank


class ParseCsvLineTest(unittest.TestCase):
    def test_plain_fields(self):
        self.assertEqual(parse_csv_line("a,b,c"), ["a", "b", "c"])

    def test_empty_fields(self):
        self.assertEqual(parse_csv_line("a,,"), ["a", "", ""])
        self.assertEqual(parse_csv_line(""), [""])

    def test_commas_in_quotes(self):
        self.assertEqual(parse_csv_line('1,"Doe, Jane",2'), ["1", "Doe, Jane", "2"])

    def test_quotes_in_quotes(self):
        self.assertEqual(parse_csv_line('"say ""hi""",x'), ['say "hi"', "x"])

    def test_an_empty_field_in_quotes(self):
        self.assertEqual(parse_csv_line('a,"",b'), ["a", "", "b"])

    def test_blanks_stay(self):
        self.assertEqual(parse_csv_line(" a , b"), [" a ", " b"])

    def test_an_open_quote(self):
        with self.assertRaises(ValueError):
            parse_csv_line('a,"b')


class GroupSumsTest(unittest.TestCase):
    def test_sums(self):
        rows = [{"city": "Rome", "n": 2}, {"city": "Oslo", "n": 5}, {"city": "Rome", "n": 3}]
        self.assertEqual(group_sums(rows, "city", "n"), {"Rome": 5, "Oslo": 5})

    def test_order_of_first_appearance(self):
        rows = [{"k": "b", "v": 1}, {"k": "a", "v": 1}, {"k": "b", "v": 1}]
        self.assertEqual(list(group_sums(rows, "k", "v")), ["b", "a"])

    def test_a_row_without_a_value(self):
        self.assertEqual(group_sums([{"k": "a"}, {"k": "a", "v": 4}], "k", "v"), {"a": 4})

    def test_a_row_without_a_key(self):
        self.assertEqual(group_sums([{"v": 9}, {"k": "a", "v": 1}], "k", "v"), {"a": 1})

    def test_no_rows(self):
        self.assertEqual(group_sums([], "k", "v"), {})


class RankTest(unittest.TestCase):
    def test_in_the_order_given(self):
        self.assertEqual(rank([10, 30, 20]), [3, 1, 2])

    def test_ties_share_a_rank(self):
        self.assertEqual(rank([9, 7, 7, 5]), [1, 2, 2, 4])

    def test_all_equal(self):
        self.assertEqual(rank([4, 4, 4]), [1, 1, 1])

    def test_few(self):
        self.assertEqual(rank([8]), [1])
        self.assertEqual(rank([]), [])


class JoinTest(unittest.TestCase):
    def test_columns_of_both(self):
        self.assertEqual(join([{"id": 1, "a": 2}], [{"id": 1, "b": 3}], "id"), [{"id": 1, "a": 2, "b": 3}])

    def test_the_left_value_stays(self):
        self.assertEqual(join([{"id": 1, "x": "l"}], [{"id": 1, "x": "r"}], "id"), [{"id": 1, "x": "l"}])

    def test_rows_without_a_match(self):
        self.assertEqual(join([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 3}], "id"), [{"id": 2}])

    def test_each_pair(self):
        left = [{"k": 1, "a": 1}, {"k": 1, "a": 2}]
        right = [{"k": 1, "b": 3}, {"k": 1, "b": 4}]
        pairs = [(row["a"], row["b"]) for row in join(left, right, "k")]
        self.assertEqual(pairs, [(1, 3), (1, 4), (2, 3), (2, 4)])

    def test_rows_without_the_key(self):
        self.assertEqual(join([{"a": 1}], [{"b": 2}], "id"), [])
        self.assertEqual(join([{"id": 1}], [{"b": 2}], "id"), [])
        self.assertEqual(join([{"a": 1}], [{"id": 1}], "id"), [])


class AlignTest(unittest.TestCase):
    def test_columns(self):
        self.assertEqual(align([["a", "bb"], ["ccc", "d"]]), ["a    bb", "ccc  d"])

    def test_no_blanks_at_the_end(self):
        self.assertEqual(align([["x", "long"], ["y", "z"]]), ["x  long", "y  z"])

    def test_rows_of_different_lengths(self):
        self.assertEqual(align([["a"], ["bb", "c"]]), ["a", "bb  c"])
        self.assertEqual(align([["bb", "c"], ["a"]]), ["bb  c", "a"])

    def test_an_empty_cell(self):
        self.assertEqual(align([["", "b"], ["aa", "c"]]), ["    b", "aa  c"])

    def test_no_rows(self):
        self.assertEqual(align([]), [])
