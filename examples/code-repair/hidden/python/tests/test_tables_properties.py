import csv
import io
import random
import unittest

from kit.tables import align, group_sums, join, parse_csv_line, rank

chance = random.Random(6)


def some_text(letters: str, longest: int) -> str:
    return "".join(chance.choice(letters) for _ in range(chance.randint(0, longest)))


def some_rows(columns: str) -> list[dict]:
    """Rows of which each has some of the columns."""
    rows = range(chance.randint(0, 6))
    return [{column: chance.randint(0, 3) for column in columns if chance.random() < 0.8} for _ in rows]


class ParseCsvLineProperties(unittest.TestCase):
    def test_reads_what_the_csv_module_writes(self):
        for _ in range(500):
            fields = [some_text('ab ,"', 6) for _ in range(chance.randint(1, 5))]
            written = io.StringIO()
            quoting = chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
            csv.writer(written, lineterminator="", quoting=quoting).writerow(fields)
            self.assertEqual(parse_csv_line(written.getvalue()), fields)

    def test_an_open_quote(self):
        for line in ('"', 'x,"y', '"a""', '"a,b', '"","'):
            self.assertRaises(ValueError, parse_csv_line, line)


class GroupSumsProperties(unittest.TestCase):
    def test_group_by_group(self):
        for _ in range(300):
            rows = some_rows("kvx")
            groups = list(dict.fromkeys(row["k"] for row in rows if "k" in row))
            sums = {group: sum(row.get("v", 0) for row in rows if row.get("k") == group) for group in groups}
            self.assertEqual(list(group_sums(rows, "k", "v").items()), list(sums.items()), rows)


class RankProperties(unittest.TestCase):
    def test_one_more_than_are_higher(self):
        for _ in range(300):
            scores = [chance.randint(0, 6) for _ in range(chance.randint(0, 9))]
            before = scores.copy()
            expected = [1 + sum(other > score for other in scores) for score in scores]
            self.assertEqual(rank(scores), expected, scores)
            self.assertEqual(scores, before)


class JoinProperties(unittest.TestCase):
    def test_pair_by_pair(self):
        for _ in range(300):
            left, right = some_rows("kab"), some_rows("kbc")
            expected = []
            for one in left:
                for other in right:
                    if "k" in one and "k" in other and one["k"] == other["k"]:
                        expected.append(other | one)
            self.assertEqual(join(left, right, "k"), expected, (left, right))


class AlignProperties(unittest.TestCase):
    def test_columns_begin_at_one_place(self):
        for _ in range(300):
            rows = [["x" * chance.randint(0, 5) for _ in range(chance.randint(1, 4))] for _ in range(4)]
            lines = align(rows)
            self.assertEqual(len(lines), len(rows))
            for row, line in zip(rows, lines, strict=True):
                begin, expected = 0, ""
                for column, cell in enumerate(row):
                    expected = expected.ljust(begin) + cell
                    begin += 2 + max(len(other[column]) for other in rows if column < len(other))
                self.assertEqual(line, expected.rstrip(), rows)
