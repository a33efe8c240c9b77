"""Dead letters are told in the log of the engine: one line each, counts in a flood, and no text of anybody."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow, Rejected
from interlock.app.log import JsonLines
from interlock.model.line_budget import LineBudget

SECRET = "the customer's name"
SECOND = 1_000_000


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What the engine's log would hold."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("interlock.flows")
    logger.addHandler(handler)
    yield stream
    logger.removeHandler(handler)


def told(lines: io.StringIO, event: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in lines.getvalue().splitlines()]
    return [line for line in found if line["event"] == event]


async def test_a_line_for_each_and_a_count_beyond(bench: Bench, lines: io.StringIO) -> None:
    flow = Flow("refuses", owner="team", after_dead_letter="continue")

    @flow.on(OrderPlaced)
    async def refuse(placed: OrderPlaced, ctx: Context) -> None:
        raise Rejected("bad_row" if placed.n < 30 else SECRET, SECRET)

    await bench.run(flow)
    for n in range(35):
        bench.producer.place(f"key-{n}", n)
    await bench.settled()
    letters = await bench.store.held("refuses")
    assert len(letters) == 35
    assert bench.engine is not None
    await bench.engine.drain(5)

    single = told(lines, "flow.dead_letter")
    by_place = {(letter.partition, letter.position): letter for letter in letters}
    assert len(single) == 20
    for line in single:
        letter = by_place[line["partition"], line["position"]]
        assert (line["flow"], line["generation"], line["attempts"], line["code"]) == ("refuses", 0, 1, letter.error)
        assert line["key"] == f"{letter.key_hash % (1 << 64):016x}"
        assert line["level"] == "warning"
    assert sum(line["count"] for line in told(lines, "flow.dead_letters")) == 15
    assert {line["code"] for line in told(lines, "flow.dead_letters")} <= {"bad_row", "rejected"}
    assert SECRET not in lines.getvalue()
    assert "key-" not in lines.getvalue()


def test_a_budget_counts_by_kind_and_is_bounded() -> None:
    budget = LineBudget("others", lines=2, seconds=10, kinds=2)
    said = [budget.spend(kind, 0) for kind in "aabbcd"]
    assert said == [True, True, False, False, False, False]
    assert budget.summary(9 * SECOND) == {}
    assert budget.summary(10 * SECOND) == {"b": 2, "c": 1, "others": 1}
    assert budget.summary(30 * SECOND) == {}, "told once"
    assert budget.spend("a", 30 * SECOND), "a new while"
    assert not all(budget.spend("a", 31 * SECOND) for _ in range(2))
    assert budget.summary(31 * SECOND, last=True) == {"a": 1}
