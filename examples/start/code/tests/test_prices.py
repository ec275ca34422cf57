import unittest

from shop.prices import change, discounted, shipping, shown, split, total


class PricesTest(unittest.TestCase):
    def test_discounted(self):
        self.assertEqual(discounted(1000, 25), 750)
        self.assertEqual(discounted(999, 10), 899)
        self.assertEqual(discounted(80, 100), 0)

    def test_shipping(self):
        self.assertEqual(shipping(1000), 490)
        self.assertEqual(shipping(1001), 790)
        self.assertEqual(shipping(5000), 790)
        self.assertEqual(shipping(5001), 1290)
        self.assertEqual(shipping(20, True), 990)

    def test_total(self):
        self.assertEqual(total([500, 250]), 750)
        self.assertEqual(total([500, 250], 100), 650)
        self.assertEqual(total([500], 700), 0)

    def test_split(self):
        self.assertEqual(split(1000, 3), [334, 333, 333])
        self.assertEqual(split(7, 4), [2, 2, 2, 1])
        self.assertEqual(split(9, 3), [3, 3, 3])

    def test_change(self):
        self.assertEqual(change(99), {50: 1, 20: 2, 5: 1, 2: 2})
        self.assertEqual(change(649), {200: 3, 20: 2, 5: 1, 2: 2})

    def test_shown(self):
        self.assertEqual(shown(1205), "12.05")
        self.assertEqual(shown(-5), "-0.05")


if __name__ == "__main__":
    unittest.main()
