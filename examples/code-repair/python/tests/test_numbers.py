import unittest

from kit.numbers import luhn_valid, median, prime_factors, savings, to_base


class PrimeFactorsTest(unittest.TestCase):
    def test_one_has_none(self):
        self.assertEqual(prime_factors(1), [])

    def test_primes(self):
        self.assertEqual(prime_factors(2), [2])
        self.assertEqual(prime_factors(97), [97])

    def test_repeated_factors(self):
        self.assertEqual(prime_factors(12), [2, 2, 3])
        self.assertEqual(prime_factors(64), [2, 2, 2, 2, 2, 2])

    def test_squares_of_primes(self):
        self.assertEqual(prime_factors(9), [3, 3])
        self.assertEqual(prime_factors(49), [7, 7])

    def test_a_large_last_factor(self):
        self.assertEqual(prime_factors(202), [2, 101])

    def test_not_positive(self):
        with self.assertRaises(ValueError):
            prime_factors(0)
        with self.assertRaises(ValueError):
            prime_factors(-6)


class SavingsTest(unittest.TestCase):
    def test_no_years(self):
        self.assertEqual(savings(1000, 5, 0), 1000)

    def test_interest_on_interest(self):
        self.assertEqual(savings(10000, 10, 2), 12100)

    def test_deposits_come_after_the_interest(self):
        self.assertEqual(savings(10000, 10, 1, 500), 11500)
        self.assertEqual(savings(10000, 10, 2, 500), 13150)

    def test_half_a_cent_goes_up(self):
        self.assertEqual(savings(50, 1, 1), 51)
        self.assertEqual(savings(49, 1, 1), 49)

    def test_no_interest(self):
        self.assertEqual(savings(0, 3, 1, 100), 100)
        self.assertEqual(savings(200, 0, 4, 25), 300)


class ToBaseTest(unittest.TestCase):
    def test_binary(self):
        self.assertEqual(to_base(10, 2), "1010")

    def test_letters(self):
        self.assertEqual(to_base(255, 16), "ff")
        self.assertEqual(to_base(35, 36), "z")

    def test_the_base_itself(self):
        self.assertEqual(to_base(8, 8), "10")
        self.assertEqual(to_base(7, 8), "7")

    def test_zero(self):
        self.assertEqual(to_base(0, 2), "0")

    def test_negative(self):
        self.assertEqual(to_base(-5, 3), "-12")

    def test_no_such_base(self):
        with self.assertRaises(ValueError):
            to_base(5, 1)
        with self.assertRaises(ValueError):
            to_base(5, 37)


class LuhnValidTest(unittest.TestCase):
    def test_valid(self):
        self.assertTrue(luhn_valid("79927398713"))
        self.assertTrue(luhn_valid("4539578763621486"))

    def test_a_wrong_digit(self):
        self.assertFalse(luhn_valid("79927398710"))
        self.assertFalse(luhn_valid("4539578763621487"))

    def test_swapped_digits(self):
        self.assertFalse(luhn_valid("79927398731"))

    def test_blanks_and_dashes(self):
        self.assertTrue(luhn_valid("4539 5787-6362 1486"))

    def test_doubled_digits(self):
        self.assertTrue(luhn_valid("59"))
        self.assertTrue(luhn_valid("42"))
        self.assertFalse(luhn_valid("50"))

    def test_not_a_number(self):
        self.assertFalse(luhn_valid("7992739871a"))
        self.assertFalse(luhn_valid("0"))
        self.assertFalse(luhn_valid(""))


class MedianTest(unittest.TestCase):
    def test_odd(self):
        self.assertEqual(median([3, 1, 2]), 2)

    def test_even(self):
        self.assertEqual(median([4, 1, 3, 2]), 2.5)

    def test_one(self):
        self.assertEqual(median([7]), 7)

    def test_two(self):
        self.assertEqual(median([10, 2]), 6)

    def test_the_list_stays(self):
        values = [3, 1, 2]
        median(values)
        self.assertEqual(values, [3, 1, 2])

    def test_none(self):
        with self.assertRaises(ValueError):
            median([])
