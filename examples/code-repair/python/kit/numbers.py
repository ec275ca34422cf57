"""Whole numbers, and a little statistics."""

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def prime_factors(number: int) -> list[int]:
    """The primes whose product is the number, smallest first, each as often as it divides: 12 gives
    [2, 2, 3]. One has none; a number below one raises ValueError."""
    if number < 1:
        raise ValueError("only positive numbers have prime factors")
    factors = []
    divisor = 2
    while divisor * divisor <= number:
        while number % divisor == 0:
            factors.append(divisor)
            number //= divisor
        divisor += 1
    if number > 1:
        factors.append(number)
    return factors


def savings(cents: int, percent: int, years: int, deposit: int = 0) -> int:
    """What an account holds after so many years, in cents. At the end of each year its interest is
    added, `percent` of what it holds, rounded to the nearest cent and half a cent up; then the
    deposit is paid in."""
    for _ in range(years):
        cents += (cents * percent + 50) // 100
        cents += deposit
    return cents


def to_base(number: int, base: int) -> str:
    """The number in digits of the base, 0–9 and then a–z, without leading zeros; a negative number
    has a minus sign before them. A base below 2 or above 36 raises ValueError."""
    if base < 2 or base > 36:
        raise ValueError(f"no digits for base {base}")
    rest = abs(number)
    digits = DIGITS[rest % base]
    while rest >= base:
        rest //= base
        digits = DIGITS[rest % base] + digits
    return "-" + digits if number < 0 else digits


def luhn_valid(number: str) -> bool:
    """Whether a card number passes the Luhn check: from the right, every second digit is doubled,
    less nine if that is above nine, and the sum of all digits is a multiple of ten. Blanks and
    dashes are ignored. False for fewer than two digits, and for any other character."""
    digits = number.replace(" ", "").replace("-", "")
    if len(digits) < 2 or not (digits.isascii() and digits.isdigit()):
        return False
    total = 0
    for at, char in enumerate(reversed(digits)):
        digit = int(char)
        if at % 2 == 1:
            digit *= 2
            if digit > 9:
                digit -= 9
        total += digit
    return total % 10 == 0


def median(values: list[float]) -> float:
    """The value in the middle when sorted, or the mean of the two in the middle when their number
    is even. The list is left as it is. No values raise ValueError."""
    if not values:
        raise ValueError("no values have no median")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
