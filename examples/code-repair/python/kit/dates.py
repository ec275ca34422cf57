"""Dates of the Gregorian calendar as plain numbers, and durations as people write them."""

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def is_leap_year(year: int) -> bool:
    """Whether the year has a 29 February: every fourth year, but of the full centuries only every
    fourth."""
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def days_in_month(year: int, month: int) -> int:
    """The number of days of a month, 1 for January to 12. Any other month raises ValueError."""
    if month < 1 or month > 12:
        raise ValueError(f"no such month: {month}")
    if month == 2:
        return 29 if is_leap_year(year) else 28
    return 30 if month in (4, 6, 9, 11) else 31


def add_months(year: int, month: int, day: int, months: int) -> tuple[int, int, int]:
    """The date so many months later, earlier when `months` is negative, as (year, month, day). A
    day that the new month does not have becomes its last: one month after 31 January is 28 or 29
    February."""
    count = year * 12 + (month - 1) + months
    new_year, new_month = count // 12, count % 12 + 1
    return new_year, new_month, min(day, days_in_month(new_year, new_month))


def weekday(year: int, month: int, day: int) -> int:
    """The day of the week, 1 for Monday to 7 for Sunday, by Zeller's congruence."""
    if month < 3:
        month += 12
        year -= 1
    days = day + 13 * (month + 1) // 5 + year + year // 4 - year // 100 + year // 400
    return (days + 5) % 7 + 1


def parse_duration(text: str) -> int:
    """The seconds of a duration such as "1h 30m" or "2d4h": whole numbers, each before its unit d,
    h, m or s, in any order; a unit may come again. Blanks are ignored. Anything else raises
    ValueError: no part at all, a number without a unit, a unit without a number, other
    characters."""
    if not text.strip(" "):
        raise ValueError("an empty duration")
    seconds, digits = 0, ""
    for char in text.replace(" ", ""):
        if char in "0123456789":
            digits += char
        elif char in UNITS and digits:
            seconds += int(digits) * UNITS[char]
            digits = ""
        else:
            raise ValueError(f"not a duration: {text}")
    if digits:
        raise ValueError(f"a number without a unit: {text}")
    return seconds


def format_duration(seconds: int) -> str:
    """The seconds in days, hours, minutes and seconds, largest first, with one blank between: 5400
    is "1h 30m". Units of which there are none are left out; no time at all is "0s". A negative
    number raises ValueError."""
    if seconds < 0:
        raise ValueError("a duration cannot be negative")
    parts = []
    for unit, size in UNITS.items():
        count = seconds // size
        if count > 0:
            parts.append(f"{count}{unit}")
        seconds -= count * size
    return " ".join(parts) or "0s"
