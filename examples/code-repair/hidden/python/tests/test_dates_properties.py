import calendar
import datetime
import random
import unittest

from kit.dates import add_months, days_in_month, format_duration, is_leap_year, parse_duration, weekday

chance = random.Random(2)


class IsLeapYearProperties(unittest.TestCase):
    def test_as_the_calendar_has_it(self):
        for year in range(1, 3000):
            self.assertIs(is_leap_year(year), calendar.isleap(year), year)


class DaysInMonthProperties(unittest.TestCase):
    def test_as_the_calendar_has_it(self):
        for year in (1896, 1900, 1999, 2000, 2001, 2028, 2400):
            for month in range(1, 13):
                self.assertEqual(days_in_month(year, month), calendar.monthrange(year, month)[1], (year, month))

    def test_no_such_month(self):
        for month in (-11, -1, 0, 13, 14, 24):
            self.assertRaises(ValueError, days_in_month, 2025, month)


class AddMonthsProperties(unittest.TestCase):
    def test_month_by_month(self):
        for _ in range(300):
            year, month, day = chance.randint(1900, 2100), chance.randint(1, 12), chance.randint(1, 28)
            months = chance.randint(-40, 40)
            to_year, to_month = year, month
            for _ in range(abs(months)):
                to_month += 1 if months > 0 else -1
                if to_month in (0, 13):
                    to_year, to_month = (to_year + 1, 1) if to_month == 13 else (to_year - 1, 12)
            self.assertEqual(add_months(year, month, day, months), (to_year, to_month, day), (year, month, months))

    def test_days_that_the_month_does_not_have(self):
        for day in (29, 30, 31):
            for months in range(-30, 30):
                year, month, new_day = add_months(2019, 12, day, months)
                self.assertEqual(new_day, min(day, calendar.monthrange(year, month)[1]), (day, months))


class WeekdayProperties(unittest.TestCase):
    def test_as_the_calendar_has_it(self):
        for _ in range(2000):
            date = datetime.date.fromordinal(chance.randint(1, datetime.date(2999, 12, 31).toordinal()))
            self.assertEqual(weekday(date.year, date.month, date.day), date.isoweekday(), date)


class ParseDurationProperties(unittest.TestCase):
    def test_against_differences_of_time(self):
        for _ in range(300):
            names = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
            parts = [(chance.randint(0, 120), chance.choice("dhms")) for _ in range(chance.randint(1, 6))]
            total = sum((datetime.timedelta(**{names[unit]: count}) for count, unit in parts), datetime.timedelta())
            text = chance.choice(["", " ", "  "]).join(f"{count}{unit}" for count, unit in parts)
            self.assertEqual(parse_duration(text), total.total_seconds(), text)

    def test_refused(self):
        for text in (" ", "7", "s", "3h 20", "2d s", "4H", "5min", "+1s", "1:30", "9m.", "mm", "1h\t5m"):
            self.assertRaises(ValueError, parse_duration, text)


class FormatDurationProperties(unittest.TestCase):
    def test_against_differences_of_time(self):
        edges = [0, 1, 59, 60, 61, 3599, 3600, 3660, 86399, 86400, 90000, 10**7]
        for seconds in edges + [chance.randint(0, 400_000) for _ in range(300)]:
            delta = datetime.timedelta(seconds=seconds)
            clock = [int(part) for part in str(delta).split(", ")[-1].split(":")]
            counts = zip([delta.days, *clock], "dhms", strict=True)
            expected = " ".join(f"{count}{unit}" for count, unit in counts if count) or "0s"
            self.assertEqual(format_duration(seconds), expected, seconds)

    def test_negative(self):
        for seconds in (-1, -60, -86400):
            self.assertRaises(ValueError, format_duration, seconds)
