"""Lists in order: runs, windows and positions. No function changes the list that it is given."""


def run_lengths(values: list) -> list[tuple]:
    """Each run of equal neighbours as (value, length), in order. An empty list has no runs."""
    runs: list[tuple] = []
    for value in values:
        if runs and runs[-1][0] == value:
            runs[-1] = (value, runs[-1][1] + 1)
        else:
            runs.append((value, 1))
    return runs


def moving_average(values: list[float], size: int) -> list[float]:
    """The mean of each `size` neighbours, from the first such window to the last. Fewer values than
    `size` have none. A size below one raises ValueError."""
    if size < 1:
        raise ValueError("a window has at least one value")
    averages = []
    total = 0.0
    for at, value in enumerate(values):
        total += value
        if at >= size:
            total -= values[at - size]
        if at >= size - 1:
            averages.append(total / size)
    return averages


def lower_bound(values: list, target) -> int:
    """The position of the first value that is not below the target, in a list sorted from low to
    high; the length of the list where all are below."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low


def rotate(values: list, by: int) -> list:
    """The values moved `by` places to the right, those past the end coming in again at the front;
    to the left when `by` is negative. `by` may be larger than the list."""
    if not values:
        return []
    cut = -by % len(values)
    return values[cut:] + values[:cut]


def longest_rise(values: list) -> list:
    """The longest run of neighbours in which each is greater than the one before it, the first such
    run where several are of that length. An empty list gives an empty one."""
    best: list = []
    run: list = []
    for value in values:
        if run and value <= run[-1]:
            run = []
        run = run + [value]
        if len(run) > len(best):
            best = run
    return best
