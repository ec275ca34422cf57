"""Calls that would wait for too long are told when to come back, and that is true."""

from __future__ import annotations

import concurrent.futures
import random
import time

import httpx
import pytest
from ratchet_modelserver.errors import ApiError
from ratchet_modelserver.load import LEAST_ROWS, Load
from ratchet_modelserver.rows import Row, Settings, Ticket


def row(tokens: int = 10, ticket: Ticket | None = None) -> Row:
    return Row(None, [1] * 16, 0, Settings(tokens), ticket or Ticket(None, None, pending=1), 0)


class Queue:
    """A server that ends one row of ten tokens a second, in order, with a clock of its own."""

    def __init__(self, max_wait: float = 60):
        self.now = 0.0
        self.load = Load(max_wait, lambda: self.now)
        self.waiting: list[Row] = []

    def submit(self, count: int = 1) -> None:
        self.waiting += [row() for _ in range(count)]
        self.load.recount(self.waiting)

    def second(self) -> None:
        self.now += 1
        if self.waiting:
            done = self.waiting.pop(0)
            done.finish_reason, done.completion_tokens = "length", 10
            self.load.ended([done])
        self.load.recount(self.waiting)


def test_nobody_is_sent_away_before_anything_is_measured():
    queue = Queue()
    queue.submit(10_000)
    assert queue.load.expected_wait() == 0 and queue.load.surplus(queue.waiting) == []
    for _ in range(LEAST_ROWS - 1):
        queue.second()
    assert queue.load.expected_wait() == 0
    queue.second()
    assert queue.load.expected_wait() == pytest.approx(10_000 - LEAST_ROWS, rel=0.01)


def test_the_wait_that_is_told_is_the_wait_that_comes():
    queue = Queue()
    queue.submit(200)
    for _ in range(10):
        queue.second()
    expected = queue.load.expected_wait()
    assert expected == pytest.approx(len(queue.waiting), rel=0.02)
    come_back = queue.load.retry_after()
    assert come_back == pytest.approx(expected - 30, abs=1)
    for _ in range(come_back):
        assert queue.load.expected_wait() > 29
        queue.second()
    assert queue.load.expected_wait() <= 31


def test_the_end_of_the_queue_is_sent_away_by_whole_requests():
    queue = Queue(max_wait=20)
    queue.submit(10)
    for _ in range(8):
        queue.second()
    pair = Ticket(None, None, pending=2)
    begun = Ticket(None, None, pending=3)
    queue.submit(18)
    queue.waiting += [row(ticket=pair), row(ticket=pair), row(ticket=begun), row(), row()]
    queue.load.recount(queue.waiting)
    late = queue.load.surplus(queue.waiting)
    # Twenty wait, so the pair may still; what has begun stays, what comes after it goes.
    assert [queue.waiting.index(one) for one in late] == [23, 24]
    queue.waiting = [one for one in queue.waiting if one not in late]
    queue.load.recount(queue.waiting)
    assert [one.ticket for one in queue.load.surplus(queue.waiting)] == []


def test_speed_without_anybody_waiting_says_nothing():
    queue = Queue()
    for _ in range(50):
        queue.submit()
        queue.second()
    slow = Load(60, lambda: 0.0)
    ended = row()
    ended.finish_reason, ended.completion_tokens = "stop", 3
    slow.ended([ended] * 100)
    assert slow.expected_wait(1e9) == 0 and slow.usual == 3


@pytest.mark.parametrize("seed", range(5))
def test_any_order_of_events_keeps_the_numbers_sensible(seed):
    rng = random.Random(seed)
    queue = Queue()
    for _ in range(2000):
        queue.now += rng.choice([0, 0, 0.001, 1, 100])
        if rng.random() < 0.5:
            queue.submit(rng.randrange(5))
        else:
            gone = [queue.waiting.pop(0) for _ in range(min(len(queue.waiting), rng.randrange(4)))]
            for one in gone:
                one.finish_reason = rng.choice(["stop", "length", "error", "cancelled"])
                one.completion_tokens = rng.choice([0, 1, 100_000])
            queue.load.ended(gone)
            queue.load.recount(queue.waiting)
        assert 0 <= queue.load.expected_wait() < float("inf")
        assert 1 <= queue.load.retry_after() <= 3600
        assert isinstance(queue.load.refusal(1), ApiError)


def test_a_burst_is_answered_or_sent_away_in_time(start):
    """With an allowed wait of half a second in place of a minute."""
    server = start("--max-wait", "0.5", "--max-batch", "16")
    body = {"messages": [{"role": "user", "content": "1+2"}], "max_tokens": 120, "n": 8}

    def ask(_) -> httpx.Response:
        return httpx.post(f"{server.url}/v1/chat/completions", json=body, timeout=120)

    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        found = list(pool.map(ask, range(400)))
    assert {answer.status_code for answer in found} == {200, 429}
    refused = [answer for answer in found if answer.status_code == 429]
    assert all("completions wait" in answer.json()["error"]["message"] for answer in refused)
    assert all(1 <= int(answer.headers["retry-after"]) < 60 for answer in refused)
    time.sleep(int(refused[-1].headers["retry-after"]))
    assert ask(0).status_code == 200
