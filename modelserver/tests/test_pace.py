"""Batches are kept so small that callers get their answers before they give up."""

from __future__ import annotations

import pytest
from ratchet_modelserver.pace import FLAT, Pace
from test_joining import folder, stepped  # noqa: F401
from test_prefix import tokens


def test_a_full_batch_is_for_those_who_end_it_in_time():
    pace = Pace(240)
    assert pace.rows("base", 600) == float("inf")  # nothing is known yet
    pace.moved("base", 1, 4, 0.8)  # 0.2 seconds a step, with one row as with 32
    assert pace.rows("base", 600) == pytest.approx(2 * FLAT)
    assert pace.rows("base", 64) == pytest.approx(18.75 * FLAT)
    assert pace.rows("other", 600) == float("inf")


def test_a_step_is_put_down_to_its_rows():
    few, many = Pace(60), Pace(60)
    few.moved("base", FLAT, 1, 1)
    many.moved("base", 4 * FLAT, 1, 4)
    assert few.rows("base", 100) == many.rows("base", 100)


def test_somebody_is_served_however_slow_it_is():
    pace = Pace(240)
    pace.moved("base", 1, 1, 1000)
    assert pace.rows("base", 4096) == 1


def test_rows_that_would_take_too_long_together_take_turns(stepped):  # noqa: F811
    """By what was measured, three answers of 40 tokens come in time together."""
    engine = stepped.engine
    digest = stepped.registry.resolve("m").base.digest
    engine.pace.moved = lambda *_: None
    engine.pace.steps[digest] = engine.limits.max_answer * FLAT / (3 * 40)
    rows = [stepped.submit(tokens(1, 12), seed=seed) for seed in range(12)]
    stepped.turn()
    assert sum(len(batch.slots) for batch in stepped.active) == 3
    stepped.finish()
    assert all(row.finish_reason in ("stop", "length") for row in rows)
