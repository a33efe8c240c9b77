"""What every OutboxSource must keep, as checks on a real database.

The harness writes as an application does: in transactions of its own, past the adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import pytest

from interlock.model.problems import AlreadyRunning, UnavailableProblem
from interlock.ports.outbox_source import OutboxRow, OutboxSource, RefusedRow

ROW_BYTES = 2_000
LIMIT_BYTES = 10_000


class Writing(Protocol):
    """One transaction of an application. What is written is numbered when it is written."""

    async def write(self, event_id: str, data: str = "{}") -> None: ...

    async def commit(self) -> None: ...

    async def rollback(self) -> None: ...


class SourceHarness(Protocol):
    """One fresh outbox. Sources are opened with ROW_BYTES and LIMIT_BYTES."""

    side_by_side: bool  # several transactions may have written before one of them is committed

    async def open(self) -> OutboxSource:
        """A further source on the outbox; the harness closes it."""
        ...

    async def begin(self) -> Writing: ...

    async def correct(self, event_id: str) -> None:
        """Take the code of a refused row away, as a person does."""
        ...

    async def crash(self, source: OutboxSource) -> None:
        """What becomes of a source whose process is gone: nothing is finished, its connection is cut."""
        ...

    async def close(self) -> None: ...


Body = Callable[[SourceHarness], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class SourceCheck:
    promise: str
    name: str
    body: Body

    def __str__(self) -> str:
        return self.name

    async def run(self, harness: SourceHarness) -> None:
        try:
            await self.body(harness)
        finally:
            await harness.close()


SOURCE_CHECKS: list[SourceCheck] = []


def proves(promise: str) -> Callable[[Body], Body]:
    def add(body: Body) -> Body:
        SOURCE_CHECKS.append(SourceCheck(promise, body.__name__, body))
        return body

    return add


async def written(harness: SourceHarness, *event_ids: str, data: str = "{}") -> None:
    """One committed transaction."""
    writing = await harness.begin()
    for event_id in event_ids:
        await writing.write(event_id, data)
    await writing.commit()


async def leading(harness: SourceHarness) -> OutboxSource:
    source = await harness.open()
    await source.lead()
    return source


def ids(rows: object) -> list[str]:
    return [row.attributes["id"] for row in rows]  # type: ignore[attr-defined]


@proves("committed")
async def what_is_not_committed_is_not_read(harness: SourceHarness) -> None:
    source = await leading(harness)
    writing = await harness.begin()
    await writing.write("1")
    assert await source.read(10) == []
    await writing.rollback()
    assert await source.read(10) == []
    await written(harness, "2", "3")
    assert ids(await source.read(10)) == ["2", "3"]


@proves("late")
async def a_low_number_that_is_committed_late_is_read(harness: SourceHarness) -> None:
    if not harness.side_by_side:
        return
    source = await leading(harness)
    late = await harness.begin()
    await late.write("low")
    await written(harness, "high")
    rows = await source.read(10)
    assert ids(rows) == ["high"]
    await source.settle(rows, [])
    await late.commit()
    assert ids(await source.read(10)) == ["low"]


@proves("late")
async def what_is_committed_between_a_read_and_its_settlement_is_read(harness: SourceHarness) -> None:
    """Also with a number below those that are settled."""
    source = await leading(harness)
    low = await harness.begin() if harness.side_by_side else None
    if low is not None:
        await low.write("low")
    await written(harness, "read")
    rows = await source.read(10)
    assert ids(rows) == ["read"]
    if low is not None:
        await low.commit()
    await written(harness, "high")
    await source.settle(rows, [])
    assert ids(await source.read(10)) == (["low", "high"] if low is not None else ["high"])


@proves("ordered")
async def rows_come_in_the_order_of_transactions_that_followed_each_other(harness: SourceHarness) -> None:
    source = await leading(harness)
    for number in range(6):
        await written(harness, f"{number}a", f"{number}b")
    seen: list[str] = []
    while rows := await source.read(4):
        seen += ids(rows)
        await source.settle(rows, [])
    assert seen == [f"{number}{letter}" for number in range(6) for letter in "ab"]


@proves("ordered")
async def a_transaction_that_waited_for_another_stands_behind_it(harness: SourceHarness) -> None:
    """B has done other things first, then waits for what A holds: its event follows A's, though a third one runs."""
    if not harness.side_by_side:
        return
    source = await leading(harness)
    second = await harness.begin()
    await second.write("elsewhere")  # of another key: it gives the transaction its number
    third = await harness.begin()
    await third.write("running")
    await written(harness, "first")
    await second.write("second")
    await second.commit()
    seen = []
    while rows := await source.read(1):
        seen += ids(rows)
        await source.settle(rows, [])
    assert [one for one in seen if one in ("first", "second")] == ["first", "second"]
    await third.rollback()


@proves("kept")
async def a_row_is_read_until_it_is_settled(harness: SourceHarness) -> None:
    source = await leading(harness)
    await written(harness, "1", "2")
    for _ in range(2):
        assert ids(await source.read(10)) == ["1", "2"]
    rows = await source.read(1)
    await source.settle(rows, [])
    assert await source.read(10) == [] if len(rows) == 2 else ids(await source.read(10)) == ["2"]


@proves("kept")
async def a_crash_before_the_settlement_leaves_every_row(harness: SourceHarness) -> None:
    source = await leading(harness)
    await written(harness, "1", "2")
    assert len(await source.read(10)) == 2
    await harness.crash(source)
    other = await eventually_leading(harness)
    assert ids(await other.read(10)) == ["1", "2"]


@proves("kept")
async def what_was_settled_stays_so(harness: SourceHarness) -> None:
    source = await leading(harness)
    await written(harness, "1", "2", "3")
    rows = await source.read(10)
    await source.settle([rows[0], rows[2]], [RefusedRow(rows[1], "contract_violation", "why")])
    await harness.crash(source)
    other = await eventually_leading(harness)
    assert await other.read(10) == []
    assert (await other.figures()).refused == 1


@proves("set aside")
async def a_refused_row_is_shown_with_its_reason_and_returns_when_it_was_corrected(harness: SourceHarness) -> None:
    source = await leading(harness)
    await written(harness, "good", "bad")
    good, bad = await source.read(10)
    await source.settle([good], [RefusedRow(bad, "contract_violation", "/total is missing")])
    assert await source.read(10) == []
    found = await source.refused(10)
    assert ids(one.row for one in found) == ["bad"]
    kept = found[0]
    assert (kept.row.attributes["id"], kept.code, kept.reason) == ("bad", "contract_violation", "/total is missing")
    assert kept.row.data is None
    figures = await source.figures()
    assert (figures.waiting, figures.refused) == (0, 1)
    await harness.correct("bad")
    (again,) = await source.read(10)
    assert (again.attributes["id"], again.data) == ("bad", "{}")
    await source.settle([again], [])
    assert await source.refused(10) == []


@proves("alone")
async def a_second_relay_has_to_wait_for_the_first_to_end(harness: SourceHarness) -> None:
    first, second = await leading(harness), await harness.open()
    with pytest.raises(AlreadyRunning):
        await second.lead()
    await first.lead()  # who leads may ask again
    with pytest.raises(AlreadyRunning):
        await second.lead()
    await first.close()
    await eventually(second.lead)
    with pytest.raises(AlreadyRunning):
        await first.lead()


@proves("alone")
async def the_lead_of_a_crashed_relay_is_free(harness: SourceHarness) -> None:
    await harness.crash(await leading(harness))
    await eventually_leading(harness)


@proves("bounded")
async def large_rows_are_read_some_at_a_time_and_too_large_ones_without_data(harness: SourceHarness) -> None:
    source = await leading(harness)
    await written(harness, "huge", data='"' + "x" * (LIMIT_BYTES * 2) + '"')
    for number in range(10):
        await written(harness, str(number), data='"' + "x" * (ROW_BYTES - 10) + '"')
    seen: list[OutboxRow] = []
    while rows := await source.read(100):
        assert sum(row.size for row in rows[:-1]) < LIMIT_BYTES
        seen += rows
        await source.settle(rows, [])
    assert ids(seen) == ["huge", *map(str, range(10))]
    assert seen[0].data is None
    assert seen[0].size > LIMIT_BYTES
    assert all(row.data is not None for row in seen[1:])


@proves("bounded")
async def no_more_rows_than_asked_for(harness: SourceHarness) -> None:
    source = await leading(harness)
    for number in range(5):
        await written(harness, str(number))
    assert ids(await source.read(3)) == ["0", "1", "2"]


@proves("read")
async def a_row_says_how_old_it_is(harness: SourceHarness) -> None:
    source = await leading(harness)
    await written(harness, "1")
    (young,) = await source.read(1)
    assert 0 <= young.age_seconds < 30
    await asyncio.sleep(0.05)
    (older,) = await source.read(1)
    assert young.age_seconds < older.age_seconds < 30


@proves("wait")
async def waiting_ends_by_itself(harness: SourceHarness) -> None:
    source = await leading(harness)
    async with asyncio.timeout(10):
        await source.wait(0.01)


async def eventually(act: Callable[[], Awaitable[None]]) -> None:
    """A server needs a moment to see that a connection is gone."""
    async with asyncio.timeout(10):
        while True:
            with suppress(AlreadyRunning, UnavailableProblem):
                return await act()
            await asyncio.sleep(0.02)


async def eventually_leading(harness: SourceHarness) -> OutboxSource:
    source = await harness.open()
    await eventually(source.lead)
    return source
