"""What doctor says of the sums, of what waits, and of who started last."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from interlock.adapters.memory import MemoryStore
from interlock.model.record import DeliveryState, StartRow
from interlock.operate.books import Books
from interlock.operate.record_examination import (
    calls_finding,
    dead_finding,
    examine,
    lag_finding,
    start_findings,
)
from interlock.ports.record_reader import FlowSum

HOUR_US = 3_600_000_000
NOW = 1_800_000_000_000_000
HERE = StartRow(0, NOW, "0.1.0", "shop", "e" * 64, "s" * 64)
NONE = {state.name.lower(): 0 for state in DeliveryState}
EMPTY = Books((), NONE, (), (), True, ())


def books(**counts: int) -> Books:
    line = {"accepted": 0, "pending": 0, "parked": 0, "done": 0, "skipped": 0, "dead": 0, "discarded": 0, **counts}
    return replace(EMPTY, sums=(FlowSum("paying", **line),))


@pytest.mark.parametrize(
    ("pending", "verdict", "said"),
    [(0, "ok", "none"), (499, "ok", "paying 499"), (500, "warn", "Beyond 1,000"), (1000, "warn", "they do now")],
)
def test_lag(pending: int, verdict: str, said: str) -> None:
    found = lag_finding(books(accepted=pending, pending=pending), 1000)
    assert (found.verdict, said in found.said) == (verdict, True), found


def test_what_was_given_up_is_told_with_its_age() -> None:
    assert dead_finding(EMPTY, [], NOW).verdict == "ok"
    assert dead_finding(books(dead=2), [], NOW).verdict == "warn"
    assert calls_finding(EMPTY, [], NOW).verdict == "ok"
    assert calls_finding(replace(EMPTY, deliveries={**NONE, "dead": 1}), [], NOW).verdict == "warn"


@pytest.mark.parametrize(
    ("last", "verdicts", "said"),
    [
        (HERE._replace(at_us=NOW - HOUR_US), ["ok", "ok"], "0.1.0"),
        (HERE._replace(at_us=NOW - HOUR_US, settings_hash="t" * 64), ["warn", "ok"], "settings tttttt, here"),
        (HERE._replace(at_us=NOW - HOUR_US, release="0.0.9"), ["warn", "ok"], "release 0.0.9, here it is 0.1.0"),
        (HERE._replace(at_us=NOW + HOUR_US), ["ok", "warn"], "0.1.0"),
    ],
)  # fmt: skip
def test_the_last_start(last: StartRow, verdicts: list[str], said: str) -> None:
    found = list(start_findings([HERE._replace(estate_hash="old"), last], HERE))
    assert [one.verdict for one in found] == verdicts
    assert said in found[0].said


def test_an_empty_record_is_in_order() -> None:
    async def look() -> None:
        found = await examine(MemoryStore(4), {"paying": ["orders.OrderPlaced"]}, HERE, 1000)
        assert {one.verdict for one in found} == {"ok"}

    asyncio.run(look())
