import math
import random
import statistics
import unittest
from decimal import ROUND_HALF_UP, Decimal

from kit.numbers import luhn_valid, median, prime_factors, savings, to_base

chance = random.Random(3)


class PrimeFactorsProperties(unittest.TestCase):
    def test_sorted_primes_with_the_number_as_product(self):
        for number in list(range(1, 1200)) + [65536, 9409, 104729, 510510]:
            factors = prime_factors(number)
            self.assertEqual(math.prod(factors), number)
            self.assertEqual(factors, sorted(factors))
            for factor in factors:
                self.assertTrue(factor > 1 and all(factor % d for d in range(2, math.isqrt(factor) + 1)), number)

    def test_below_one(self):
        for number in (0, -1, -7):
            self.assertRaises(ValueError, prime_factors, number)


class SavingsProperties(unittest.TestCase):
    def test_year_by_year_in_decimals(self):
        for _ in range(300):
            cents, percent = chance.randint(0, 9999), chance.randint(0, 20)
            years, deposit = chance.randint(0, 8), chance.randint(0, 500)
            held = Decimal(cents)
            for _ in range(years):
                interest = (held * percent / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
                held += interest + deposit
            self.assertEqual(savings(cents, percent, years, deposit), held, (cents, percent, years, deposit))

    def test_no_deposit_unless_told(self):
        for cents in (0, 120, 99999):
            self.assertEqual(savings(cents, 7, 3), savings(cents, 7, 3, 0))
            self.assertEqual(savings(cents, 0, 5), cents)


class ToBaseProperties(unittest.TestCase):
    def test_python_reads_it_back(self):
        for base in range(2, 37):
            for number in [0, 1, base - 1, base, base * base, -1, -base, chance.randint(-(10**9), 10**9)]:
                text = to_base(number, base)
                self.assertEqual(int(text, base), number)
                self.assertEqual(text, text.lower())
                self.assertEqual(text.startswith("-"), number < 0, text)
                self.assertFalse(text.lstrip("-").startswith("0") and number != 0, text)

    def test_no_such_base(self):
        for base in (-2, 0, 1, 37, 64):
            self.assertRaises(ValueError, to_base, 12, base)


class LuhnValidProperties(unittest.TestCase):
    def check_digit(self, payload: str) -> str:
        doubled = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9]
        digits = [int(char) for char in payload]
        total = sum(digits[-2::-2]) + sum(doubled[digit] for digit in digits[-1::-2])
        return str(-total % 10)

    def test_one_check_digit_of_ten(self):
        for _ in range(200):
            payload = "".join(chance.choice("0123456789") for _ in range(chance.randint(1, 18)))
            valid = [digit for digit in "0123456789" if luhn_valid(payload + digit)]
            self.assertEqual(valid, [self.check_digit(payload)], payload)

    def test_blanks_and_dashes(self):
        for _ in range(100):
            payload = "".join(chance.choice("0123456789") for _ in range(11))
            number = payload + self.check_digit(payload)
            self.assertTrue(luhn_valid("-".join([number[:5], number[5:6], " " + number[6:]])))

    def test_not_a_number(self):
        for text in ("", " ", "-", "7", "0 ", "18x", "1.8", "１８", "+18"):
            self.assertFalse(luhn_valid(text), text)


class MedianProperties(unittest.TestCase):
    def test_as_statistics_has_it(self):
        for _ in range(300):
            values = [chance.randint(-50, 50) for _ in range(chance.randint(1, 12))]
            before = values.copy()
            self.assertEqual(median(values), statistics.median(before))
            self.assertEqual(values, before)

    def test_none(self):
        self.assertRaises(ValueError, median, [])
