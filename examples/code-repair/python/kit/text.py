"""Text: names, lines and how far apart two words are."""


def slugify(title: str) -> str:
    """The title as part of a URL: lower-cased, each run of characters other than a–z and 0–9 made
    one dash, no dash at either end. A title without letters or digits gives ""."""
    slug = ""
    for char in title.lower():
        if char.isascii() and char.isalnum():
            slug += char
        elif slug and not slug.endswith("-"):
            slug += "-"
    return slug.rstrip("-")


def wrap(text: str, width: int) -> list[str]:
    """The text in lines of at most `width` characters, each as full as it can be. Lines break at
    white space only, and between two words of a line stands one blank, whatever stood there. A word
    longer than `width` has a line of its own, uncut. Text without words gives no lines."""
    lines: list[str] = []
    for word in text.split():
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def truncate(text: str, limit: int, mark: str = "...") -> str:
    """The text in at most `limit` characters. Text that fits is unchanged. Else it is cut after the
    last whole word that leaves room for the mark, or inside its first word where not even that
    fits, and the mark follows without a blank. Where the mark itself has no room beside one
    character, the result is the beginning of the mark."""
    if len(text) <= limit:
        return text
    room = limit - len(mark)
    if room <= 0:
        return mark[:limit]
    head = text[:room]
    if text[room] != " " and " " in head:
        head = head[: head.rindex(" ")]
    return head.rstrip() + mark


def snake_case(name: str) -> str:
    """A camel-case name in snake case: an underscore goes before each capital that follows a small
    letter or a digit, and before the last capital of several when a small letter follows it
    (`HTTPServer` is `http_server`). All letters become small; nothing else changes."""
    result = ""
    for at, char in enumerate(name):
        before = name[at - 1] if at > 0 else ""
        after = name[at + 1 : at + 2]
        starts_word = before.islower() or before.isdigit() or (before.isupper() and after.islower())
        if char.isupper() and starts_word:
            result += "_"
        result += char.lower()
    return result


def edit_distance(a: str, b: str) -> int:
    """The least number of single characters to insert, delete or replace that turns `a` into `b`
    (Levenshtein)."""
    previous = list(range(len(b) + 1))
    for row, left in enumerate(a, start=1):
        current = [row]
        for column, right in enumerate(b, start=1):
            replaced = previous[column - 1] + (left != right)
            current.append(min(previous[column] + 1, current[column - 1] + 1, replaced))
        previous = current
    return previous[-1]


def rotate_letters(text: str, by: int) -> str:
    """The text with each letter a–z and A–Z moved `by` places on in the alphabet, round its end,
    backwards when `by` is negative. Case is kept, and all other characters stay."""
    rotated = ""
    for char in text:
        if "a" <= char <= "z":
            rotated += chr((ord(char) - ord("a") + by) % 26 + ord("a"))
        elif "A" <= char <= "Z":
            rotated += chr((ord(char) - ord("A") + by) % 26 + ord("A"))
        else:
            rotated += char
    return rotated
