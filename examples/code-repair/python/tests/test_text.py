import unittest

from kit.text import edit_distance, rotate_letters, slugify, snake_case, truncate, wrap


class SlugifyTest(unittest.TestCase):
    def test_words(self):
        self.assertEqual(slugify("Hello World"), "hello-world")

    def test_runs_of_other_characters_are_one_dash(self):
        self.assertEqual(slugify("A  b"), "a-b")
        self.assertEqual(slugify("rock & roll"), "rock-roll")

    def test_no_dash_at_either_end(self):
        self.assertEqual(slugify("  Why not?! "), "why-not")
        self.assertEqual(slugify("--draft--"), "draft")

    def test_digits_stay(self):
        self.assertEqual(slugify("Top 10 of 2024"), "top-10-of-2024")

    def test_letters_beyond_ascii_are_not_kept(self):
        self.assertEqual(slugify("Café Zoë"), "caf-zo")

    def test_nothing_to_keep(self):
        self.assertEqual(slugify("!?"), "")
        self.assertEqual(slugify(""), "")


class WrapTest(unittest.TestCase):
    def test_lines_are_filled(self):
        self.assertEqual(wrap("the quick brown fox", 10), ["the quick", "brown fox"])

    def test_a_line_may_be_exactly_as_wide(self):
        self.assertEqual(wrap("ab cd ef", 5), ["ab cd", "ef"])

    def test_one_character_too_many_breaks(self):
        self.assertEqual(wrap("ab cd ef", 4), ["ab", "cd", "ef"])

    def test_long_words_stand_alone(self):
        self.assertEqual(wrap("a extraordinary b", 5), ["a", "extraordinary", "b"])

    def test_white_space_is_one_blank(self):
        self.assertEqual(wrap("  a \n b  ", 9), ["a b"])

    def test_no_words(self):
        self.assertEqual(wrap("", 5), [])
        self.assertEqual(wrap("   ", 5), [])


class TruncateTest(unittest.TestCase):
    def test_text_that_fits(self):
        self.assertEqual(truncate("short", 10), "short")
        self.assertEqual(truncate("exact", 5), "exact")

    def test_cut_between_words(self):
        self.assertEqual(truncate("the quick brown fox", 12), "the quick...")

    def test_a_word_is_not_cut(self):
        self.assertEqual(truncate("the quick brown fox", 14), "the quick...")
        self.assertEqual(truncate("the quick brown fox", 11), "the...")

    def test_the_first_word_may_be_cut(self):
        self.assertEqual(truncate("extraordinary", 8), "extra...")

    def test_another_mark(self):
        self.assertEqual(truncate("one two three", 8, "~"), "one two~")

    def test_no_room_beside_the_mark(self):
        self.assertEqual(truncate("abcdef", 3), "...")
        self.assertEqual(truncate("abcdef", 2), "..")
        self.assertEqual(truncate("abcdef", 4), "a...")


class SnakeCaseTest(unittest.TestCase):
    def test_capitals_after_small_letters(self):
        self.assertEqual(snake_case("camelCaseName"), "camel_case_name")

    def test_no_underscore_in_front(self):
        self.assertEqual(snake_case("CamelCase"), "camel_case")

    def test_capitals_together(self):
        self.assertEqual(snake_case("HTTPServer"), "http_server")
        self.assertEqual(snake_case("parseJSON"), "parse_json")

    def test_digits(self):
        self.assertEqual(snake_case("base64Encode"), "base64_encode")
        self.assertEqual(snake_case("utf8"), "utf8")

    def test_snake_case_stays(self):
        self.assertEqual(snake_case("already_there"), "already_there")
        self.assertEqual(snake_case(""), "")


class EditDistanceTest(unittest.TestCase):
    def test_equal_words(self):
        self.assertEqual(edit_distance("same", "same"), 0)

    def test_known_pairs(self):
        self.assertEqual(edit_distance("kitten", "sitting"), 3)
        self.assertEqual(edit_distance("flaw", "lawn"), 2)

    def test_one_of_each_edit(self):
        self.assertEqual(edit_distance("cat", "cats"), 1)
        self.assertEqual(edit_distance("cats", "cat"), 1)
        self.assertEqual(edit_distance("cat", "cut"), 1)

    def test_against_nothing(self):
        self.assertEqual(edit_distance("", "abc"), 3)
        self.assertEqual(edit_distance("abc", ""), 3)
        self.assertEqual(edit_distance("", ""), 0)

    def test_nothing_in_common(self):
        self.assertEqual(edit_distance("ab", "xyz"), 3)


class RotateLettersTest(unittest.TestCase):
    def test_small_letters(self):
        self.assertEqual(rotate_letters("abc", 1), "bcd")

    def test_round_the_end(self):
        self.assertEqual(rotate_letters("xyz", 3), "abc")
        self.assertEqual(rotate_letters("YZ", 1), "ZA")

    def test_backwards(self):
        self.assertEqual(rotate_letters("Abz", -1), "Zay")

    def test_other_characters_stay(self):
        self.assertEqual(rotate_letters("Hi, @you[7]`{é}", 13), "Uv, @lbh[7]`{é}")

    def test_whole_turns(self):
        self.assertEqual(rotate_letters("Round", 26), "Round")
        self.assertEqual(rotate_letters("Round", 53), "Spvoe")
