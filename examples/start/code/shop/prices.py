"""Prices in whole cents."""


def discounted(cents: int, percent: int) -> int:
    """The price less so many percent, rounded down to the cent."""
    return cents * (100 - percent) // 100


def shipping(weight: int, express: bool = False) -> int:
    """Up to 1000 grams cost 490, up to 5000 grams 790, more costs 1290; express costs 500 more."""
    if weight <= 1000:
        cost = 490
    elif weight <= 5000:
        cost = 790
    else:
        cost = 1290
    if express:
        cost += 500
    return cost


def total(prices: list[int], voucher: int = 0) -> int:
    """The sum less the voucher, never below nothing."""
    return max(0, sum(prices) - voucher)


def split(cents: int, people: int) -> list[int]:
    """The amount in as many parts, which differ by a cent at most, larger ones first."""
    share, rest = divmod(cents, people)
    return [share + 1] * rest + [share] * (people - rest)


def change(cents: int) -> dict[int, int]:
    """The coins that make the amount, as few as there can be: coin and how many of it."""
    coins = {}
    for coin in (200, 100, 50, 20, 10, 5, 2, 1):
        if cents > coin:
            coins[coin] = cents // coin
            cents -= coin * coins[coin]
    return coins


def shown(cents: int) -> str:
    """As people write it: -1205 is -12.05."""
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"
