import random
import re
import unittest
from collections import Counter
from functools import cache
from string import ascii_lowercase, ascii_uppercase

from kit.text import edit_distance, rotate_letters, slugify, snake_case, truncate, wrap

chance = random.Random(1)


def some_text(letters: str, longest: int) -> str:
    return "".join(chance.choice(letters) for _ in range(chance.randint(0, longest)))


class SlugifyProperties(unittest.TestCase):
    def test_what_a_regular_expression_gives(self):
        for _ in range(500):
            title = some_text("aZ09 -_.éß²", 14)
            self.assertEqual(slugify(title), re.sub("[^a-z0-9]+", "-", title.lower()).strip("-"), title)

    def test_a_slug_stays(self):
        for slug in ("x", "7", "a-b-c", "part-2-of-3"):
            self.assertEqual(slugify(slug), slug)


class WrapProperties(unittest.TestCase):
    def test_words_stay_and_lines_are_as_full_as_can_be(self):
        for _ in range(500):
            text, width = some_text("abcd  \n\t", 40), chance.randint(1, 12)
            lines = wrap(text, width)
            self.assertEqual(" ".join(lines).split(" ") if lines else [], text.split(), text)
            for line in lines:
                self.assertTrue(line and (len(line) <= width or " " not in line), (text, width))
            for line, following in zip(lines, lines[1:], strict=False):
                self.assertGreater(len(line + " " + following.split(" ")[0]), width, (text, width))


class TruncateProperties(unittest.TestCase):
    def cut(self, text: str, limit: int, mark: str) -> str:
        """Of all beginnings that end with a word and leave room, the longest."""
        if len(text) <= limit:
            return text
        room = limit - len(mark)
        if room < 1:
            return mark[: max(limit, 0)]
        ends = [at for at in range(1, room + 1) if text[at] == " " and text[at - 1] != " "]
        return (text[: ends[-1]] if ends else text[:room]) + mark

    def test_against_all_beginnings(self):
        for _ in range(800):
            text = "a" + some_text("abc ", 24) + "z"
            limit, mark = chance.randint(0, 26), chance.choice(["...", "~", " [more]", ""])
            self.assertEqual(truncate(text, limit, mark), self.cut(text, limit, mark), (text, limit, mark))

    def test_three_dots_unless_told(self):
        self.assertEqual(truncate("several words here", 13), "several...")
        self.assertEqual(truncate("several words here", 18), "several words here")


class SnakeCaseProperties(unittest.TestCase):
    def test_what_regular_expressions_give(self):
        for _ in range(800):
            name = some_text("abXYZ7_", 12)
            split = re.sub("([a-z0-9])([A-Z])", r"\1_\2", name)
            split = re.sub("([A-Z])([A-Z][a-z])", r"\1_\2", split)
            self.assertEqual(snake_case(name), split.lower(), name)

    def test_words_put_together(self):
        for words in (["load", "user", "profile"], ["parse", "csv", "line"], ["x"]):
            self.assertEqual(snake_case("".join(word.title() for word in words)), "_".join(words))


class EditDistanceProperties(unittest.TestCase):
    def test_against_the_definition(self):
        @cache
        def distance(a: str, b: str) -> int:
            if not a or not b:
                return len(a) + len(b)
            if a[0] == b[0]:
                return distance(a[1:], b[1:])
            return 1 + min(distance(a[1:], b), distance(a, b[1:]), distance(a[1:], b[1:]))

        for _ in range(300):
            a, b = some_text("abc", 7), some_text("abc", 7)
            self.assertEqual(edit_distance(a, b), distance(a, b), (a, b))


class RotateLettersProperties(unittest.TestCase):
    def test_against_a_table(self):
        for _ in range(300):
            text, by = some_text("aAmMzZ@[`{ é9", 12), chance.randint(-60, 60)
            turned = [alphabet[by % 26 :] + alphabet[: by % 26] for alphabet in (ascii_lowercase, ascii_uppercase)]
            table = str.maketrans(ascii_lowercase + ascii_uppercase, "".join(turned))
            self.assertEqual(rotate_letters(text, by), text.translate(table), (text, by))

    def test_back_again_and_one_to_one(self):
        for by in range(-30, 31):
            rotated = rotate_letters(ascii_lowercase + ascii_uppercase, by)
            self.assertEqual(Counter(rotated), Counter(ascii_lowercase + ascii_uppercase))
            self.assertEqual(rotate_letters(rotated, -by), ascii_lowercase + ascii_uppercase)
