"""Rows that come while others are generated: they join, and nobody's answer changes."""

from __future__ import annotations

import asyncio

import pytest
import torch
from conftest import tiny_adapter
from ratchet_modelserver import decode
from ratchet_modelserver.engine import Engine, Limits
from ratchet_modelserver.guides import Guide
from ratchet_modelserver.rows import Row, Settings, Ticket
from test_prefix import expected, make, prompts_behind, registry_of, tokens
from transformers import AutoModelForCausalLM


@pytest.fixture
def folder(tmp_path, reference):
    make("qwen2", tmp_path / "m", reference)
    return tmp_path / "m"


class Stepped:
    """An engine whose turns the test takes itself."""

    def __init__(self, registry, **limits):
        self.registry, self.active = registry, []
        self.engine = Engine(registry, Limits(quiet_ms=0, gather_ms=0, **limits), 1)
        self.pool = decode.kvcache.BufferPool()
        self.loop = asyncio.new_event_loop()

    def submit(self, prompt, model="m", seed=0, guide=None, **settings) -> Row:
        settings = Settings(**{"max_tokens": 40, "temperature": 0} | settings)
        ticket = Ticket(self.loop, self.loop.create_future(), pending=1)
        ticket.pieces = asyncio.Queue()
        row = Row(self.registry.resolve(model), prompt, seed, settings, ticket, 0)
        row.guide = guide
        self.engine.submit([row])
        return row

    def turn(self) -> None:
        """What `Engine.loop` does between two looks at the queue."""
        if self.engine.waiting or self.active:
            self.engine.turn(self.active, self.pool)

    def finish(self) -> None:
        for _ in range(500):
            if not (self.engine.waiting or self.active):
                return
            self.turn()
        raise AssertionError("the rows do not end")


@pytest.fixture
def stepped(folder, monkeypatch):
    monkeypatch.setattr(decode, "BLOCK", 2)  # many chances to join, for short answers
    return Stepped(registry_of(folder))


def plain(folder):
    return AutoModelForCausalLM.from_pretrained(folder).eval()


def test_later_rows_join_the_batch_and_answer_as_alone(stepped, folder):
    prompts = prompts_behind(tokens(1, 60), 8) + [tokens(2, 5), tokens(3, 9)]
    rows, most = [], 0
    for prompt in prompts[:8]:
        rows.append(stepped.submit(prompt))
        stepped.turn()
        most = max([most, *(len(batch.slots) for batch in stepped.active)])
    assert most > 1
    rows += [stepped.submit(prompt) for prompt in prompts[8:]]
    stepped.finish()
    module = plain(folder)
    assert [row.tokens for row in rows] == [expected(module, prompt, 40) for prompt in prompts]


def test_samples_and_log_probabilities_do_not_depend_on_joining(stepped):
    prompts = prompts_behind(tokens(1, 60), 6)
    options = [dict(logprobs=i % 3) if i % 2 else {} for i in range(6)]

    def ask(i):
        return stepped.submit(prompts[i], seed=i, temperature=1.0, **options[i])

    alone = []
    for i in range(6):
        alone.append(ask(i))
        stepped.finish()
    together = []
    for i in range(6):
        together.append(ask(i))
        stepped.turn()
    stepped.finish()
    for one, other in zip(alone, together, strict=True):
        assert one.tokens == other.tokens
        if one.logprobs is not None:
            assert one.logprobs.chosen == pytest.approx(other.logprobs.chosen, abs=1e-3)
            assert one.logprobs.top_values.shape == other.logprobs.top_values.shape


def test_streams_and_stop_strings_survive_joining(stepped):
    prompt = tokens(1, 50)
    for seed in range(20):
        whole = stepped.submit(prompt, seed=seed, temperature=1.0)
        stepped.finish()
        if len(whole.text) > 12:
            break
    stop = whole.text[6:8]
    streamed = stepped.submit(prompt, seed=seed, temperature=1.0, stream=True)
    stepped.turn()
    stopped = stepped.submit(prompt, seed=seed, temperature=1.0, stop=(stop,))
    stepped.finish()
    stepped.loop.run_until_complete(asyncio.sleep(0))
    pieces = []
    while not streamed.ticket.pieces.empty():
        pieces.append(streamed.ticket.pieces.get_nowait().text)
    assert "".join(pieces) == whole.text
    assert stopped.text == whole.text[: whole.text.index(stop)]


def test_guided_rows_join(stepped):
    vocabulary = stepped.registry.bases["m"].vocabulary
    matcher = vocabulary.compile({"enum": [123, 456]})
    prompts = prompts_behind(tokens(1, 40), 4)
    free = [stepped.submit(prompts[0])]
    stepped.turn()
    guided = [
        stepped.submit(p, guide=Guide(matcher.deep_copy(), False), temperature=1.0, seed=i)
        for i, p in enumerate(prompts[1:3])
    ]
    stepped.turn()
    free.append(stepped.submit(prompts[3]))
    stepped.finish()
    assert {row.text for row in guided} <= {"123", "456"}
    module = plain(stepped.registry.bases["m"].path)
    assert [row.tokens for row in free] == [expected(module, p, 40) for p in (prompts[0], prompts[3])]


def test_a_short_foreign_request_does_not_wait_for_a_long_batch(stepped, folder, tmp_path):
    tiny_adapter(folder, tmp_path / "a", seed=0)
    stepped.registry.add_adapter("a", "m", tmp_path / "a")
    long = [stepped.submit(p, max_tokens=400, temperature=1.5) for p in prompts_behind([5], 4)]
    stepped.turn()
    short = stepped.submit(tokens(4, 6), model="a", max_tokens=4)
    stepped.turn()
    stepped.turn()
    assert short.finish_reason
    for row in long:
        row.ticket.cancelled = True
    stepped.finish()


def test_cancelled_callers_leave_the_batch(stepped):
    prompts = prompts_behind(tokens(1, 60), 4)
    rows = [stepped.submit(p, max_tokens=200, temperature=1.5, seed=i) for i, p in enumerate(prompts)]
    stepped.turn()
    going = [row for row in rows if not row.finish_reason]
    assert going
    going[0].ticket.cancelled = True
    waiting = stepped.submit(prompts[0])
    waiting.ticket.cancelled = True
    stepped.turn()
    stepped.turn()
    assert going[0].finish_reason == "cancelled" and not waiting.tokens
    stepped.finish()
    assert all(row.finish_reason in ("stop", "length") for row in rows if row is not going[0])


def test_the_cache_does_not_grow_while_rows_come_and_go(stepped):
    """Each joining packs the rows' own tokens together again."""
    widest = 0
    for i in range(60):
        stepped.submit(tokens(i, 6), max_tokens=10, temperature=1.5, seed=i)
        stepped.turn()
        for batch in stepped.active:
            widest = max(widest, batch.cache.get_seq_length())
    stepped.finish()
    assert 0 < widest <= 6 + 2 * 10 + 8


def test_a_failing_batch_leaves_the_others_alone(stepped, folder, tmp_path):
    tiny_adapter(folder, tmp_path / "a", seed=0)
    stepped.registry.add_adapter("a", "m", tmp_path / "a")
    good = stepped.submit(tokens(1, 8), max_tokens=30)
    stepped.turn()
    bad = stepped.submit(tokens(2, 8), model="a")
    stepped.registry.weights(bad.model).module.forward = lambda **_: 1 / 0
    stepped.finish()
    assert bad.finish_reason == "error" and "division" in str(bad.error)
    assert good.tokens == expected(plain(folder), tokens(1, 8), 30)


def test_a_batch_that_never_ends_keeps_no_memory_of_its_past(folder, monkeypatch):
    monkeypatch.setattr(decode, "BLOCK", 2)
    stepped = Stepped(registry_of(folder))
    stepped.pool.limit = 1 << 16
    rows, most = [], 0
    for i in range(60):
        # Always somebody there when the next one comes.
        rows.append(stepped.submit(tokens(i, 40 + i % 9), max_tokens=30))
        stepped.turn()
        most = max(most, sum(b.numel() * b.element_size() for b in stepped.pool.free))
        assert len(stepped.active) == 1
    stepped.finish()
    assert 0 < most <= stepped.pool.limit
    module = plain(folder)
    assert [row.tokens for row in rows] == [expected(module, row.prompt, 30) for row in rows]


def test_buffers_of_a_growing_batch_are_used_again():
    pool = decode.kvcache.BufferPool()
    sizes = range(1000, 1060)
    made = set()
    for size in sizes:
        buffer = pool.take(size, torch.float32, torch.device("cpu"))
        assert size <= buffer.numel() <= size * 9 / 8 + 1
        made.add(buffer.data_ptr())
        pool.give(buffer)
    assert len(made) <= 3
