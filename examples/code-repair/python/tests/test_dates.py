import unittest

from kit.dates import add_months, days_in_month, format_duration, is_leap_year, parse_duration, weekday


class IsLeapYearTest(unittest.TestCase):
    def test_every_fourth_year(self):
        self.assertTrue(is_leap_year(2024))
        self.assertFalse(is_leap_year(2026))

    def test_odd_years(self):
        self.assertFalse(is_leap_year(2023))

    def test_centuries(self):
        self.assertFalse(is_leap_year(1900))
        self.assertFalse(is_leap_year(2100))

    def test_every_fourth_century(self):
        self.assertTrue(is_leap_year(2000))
        self.assertTrue(is_leap_year(1600))


class DaysInMonthTest(unittest.TestCase):
    def test_long_months(self):
        self.assertEqual(days_in_month(2023, 1), 31)
        self.assertEqual(days_in_month(2023, 8), 31)
        self.assertEqual(days_in_month(2023, 12), 31)

    def test_short_months(self):
        self.assertEqual(days_in_month(2023, 4), 30)
        self.assertEqual(days_in_month(2023, 6), 30)
        self.assertEqual(days_in_month(2023, 9), 30)
        self.assertEqual(days_in_month(2023, 11), 30)

    def test_february(self):
        self.assertEqual(days_in_month(2023, 2), 28)
        self.assertEqual(days_in_month(2024, 2), 29)

    def test_no_such_month(self):
        with self.assertRaises(ValueError):
            days_in_month(2023, 0)
        with self.assertRaises(ValueError):
            days_in_month(2023, 13)


class AddMonthsTest(unittest.TestCase):
    def test_within_a_year(self):
        self.assertEqual(add_months(2023, 3, 15, 2), (2023, 5, 15))

    def test_into_another_year(self):
        self.assertEqual(add_months(2023, 11, 5, 3), (2024, 2, 5))
        self.assertEqual(add_months(2023, 6, 1, 30), (2025, 12, 1))

    def test_december(self):
        self.assertEqual(add_months(2023, 12, 9, 0), (2023, 12, 9))
        self.assertEqual(add_months(2023, 1, 9, 11), (2023, 12, 9))

    def test_backwards(self):
        self.assertEqual(add_months(2023, 1, 10, -1), (2022, 12, 10))
        self.assertEqual(add_months(2023, 5, 10, -14), (2022, 3, 10))

    def test_the_last_day(self):
        self.assertEqual(add_months(2023, 1, 31, 1), (2023, 2, 28))
        self.assertEqual(add_months(2024, 1, 31, 1), (2024, 2, 29))
        self.assertEqual(add_months(2023, 5, 31, 1), (2023, 6, 30))


class WeekdayTest(unittest.TestCase):
    def test_a_monday(self):
        self.assertEqual(weekday(2024, 7, 1), 1)

    def test_a_sunday(self):
        self.assertEqual(weekday(2023, 12, 31), 7)

    def test_january_and_february_belong_to_the_year_before(self):
        self.assertEqual(weekday(2024, 1, 1), 1)
        self.assertEqual(weekday(2024, 2, 29), 4)

    def test_march(self):
        self.assertEqual(weekday(2024, 3, 1), 5)

    def test_centuries(self):
        self.assertEqual(weekday(1900, 1, 1), 1)
        self.assertEqual(weekday(2000, 2, 29), 2)
        self.assertEqual(weekday(1969, 7, 20), 7)


class ParseDurationTest(unittest.TestCase):
    def test_one_part(self):
        self.assertEqual(parse_duration("45s"), 45)
        self.assertEqual(parse_duration("3m"), 180)
        self.assertEqual(parse_duration("2h"), 7200)
        self.assertEqual(parse_duration("1d"), 86400)

    def test_several_parts(self):
        self.assertEqual(parse_duration("1h30m"), 5400)
        self.assertEqual(parse_duration("2d 4h 1s"), 187201)

    def test_any_order_and_again(self):
        self.assertEqual(parse_duration("5s 1m 5s"), 70)

    def test_blanks_are_ignored(self):
        self.assertEqual(parse_duration(" 10 m "), 600)

    def test_incomplete(self):
        for text in ("", "  ", "5", "h", "1h 5", "1hm"):
            with self.assertRaises(ValueError):
                parse_duration(text)

    def test_other_characters(self):
        for text in ("1w", "-1h", "1.5h", "1h,5m"):
            with self.assertRaises(ValueError):
                parse_duration(text)


class FormatDurationTest(unittest.TestCase):
    def test_one_unit(self):
        self.assertEqual(format_duration(59), "59s")
        self.assertEqual(format_duration(60), "1m")
        self.assertEqual(format_duration(3600), "1h")
        self.assertEqual(format_duration(86400), "1d")

    def test_several_units(self):
        self.assertEqual(format_duration(5400), "1h 30m")
        self.assertEqual(format_duration(93784), "1d 2h 3m 4s")

    def test_empty_units_are_left_out(self):
        self.assertEqual(format_duration(86401), "1d 1s")

    def test_no_time(self):
        self.assertEqual(format_duration(0), "0s")

    def test_negative(self):
        with self.assertRaises(ValueError):
            format_duration(-1)
