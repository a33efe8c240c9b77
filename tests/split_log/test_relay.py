"""The relay: each emitted event is in the log once and in order, whatever dies between publishing and dropping the row.

Each test has its planted bug: a relay that is wrong in the way that the test is there for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import pytest
from split import Split

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_dedupe import DedupeWindow
from interlock.adapters.memory_split import MemoryState, SplitTables
from interlock.adapters.memory_tables import Tables
from interlock.flows.relay import Relay, appended
from interlock.model.event import Event
from interlock.model.problems import StorageUnavailable
from interlock.model.step import Step, StepResult
from interlock.ports.event_log import LogCapabilities
from interlock.ports.outbox import Waiting
from interlock.testing.fake_clock import FakeClock
from interlock.testing.samples import FLOW, TYPE, commit, event, ids_in, start, submit
from interlock.testing.seeded_ids import SeededIds

WINDOW_SECONDS = 2.0


class ClockWindow(DedupeWindow):
    """Forgets when the time is over, as a broker does, and not when later events come."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(3600)
        self._clock = clock
        self._places: dict[tuple[str, str], tuple[int, int, int]] = {}

    def find(self, event: Event) -> tuple[int, int] | None:
        partition, position, until_us = self._places.get((event.source, event.id), (0, 0, 0))
        return (partition, position) if self._clock.now_us() < until_us else None

    def claim(self, event: Event, position: int) -> None:
        until_us = self._clock.now_us() + int(WINDOW_SECONDS * 1_000_000)
        self._places[event.source, event.id] = (event.partition, position, until_us)


class WindowedLog(MemoryStore):
    """`fail` makes the next append be in the log, and be told as failed."""

    fail = False

    def __init__(self, clock: FakeClock) -> None:
        tables = Tables(4, 3600)
        tables.dedupe = ClockWindow(clock)
        super().__init__(secret=b"s" * 32, tables=tables, limit_pending=10)

    @property
    def log_capabilities(self) -> LogCapabilities:
        return LogCapabilities("memory", dedupe_seconds=WINDOW_SECONDS)

    def append(self, events: Sequence[Event], done: Any) -> None:
        failed, self.fail = self.fail, False
        problem = StorageUnavailable("lost")
        super().append(events, (lambda _, __: done(None, problem)) if failed else done)


class DyingState(MemoryState):
    """`die` keeps the next rows from being dropped, as the death of the relay would."""

    die = False

    async def published(self, rows: Sequence[Waiting]) -> None:
        if self.die:
            self.die = False
            raise asyncio.CancelledError
        await super().published(rows)


class Scene:
    """A relay between a state and a log with a short window."""

    def __init__(self, relay: type[Relay] = Relay) -> None:
        self.clock = FakeClock()
        self.log = WindowedLog(self.clock)
        self.tables = SplitTables(4, 43_200)
        self.state = DyingState(secret=b"s" * 32, tables=self.tables)
        self.split = Split(self.log, self.state, self.clock)
        self._relay_class = relay

    async def begin(self) -> None:
        self._epoch = await self.split.acquire(start(), {FLOW: [TYPE]})
        self.relay = self.new_relay()

    def new_relay(self, partitions: Collection[int] = range(4)) -> Relay:
        """As after a restart."""
        indexing = self.split.log._indexing
        made = self._relay_class(self.state, self.log, self.state, self.clock, SeededIds(1), indexing.catch_up)
        made.follow(partitions)
        return made

    async def emit(self, *numbers: int) -> None:
        now_us = self.clock.now_us()
        events = tuple(event(number)._replace(time_us=now_us) for number in numbers)
        assert await submit(self.state, commit(self._epoch, Step(result=StepResult(emits=events)))) == [None]

    async def publish(self, relay: Relay | None = None) -> None:
        while await (relay or self.relay).publish():
            pass

    async def published(self) -> list[int]:
        return [int(name[1:]) for name in await ids_in(self.log, 0)]


async def restarted_after(scene: Scene, seconds: float) -> list[int]:
    """What the log holds when the relay died after publishing, and another comes after that time."""
    await scene.begin()
    await scene.emit(1, 2, 3)
    scene.state.die = True
    with pytest.raises(asyncio.CancelledError):
        await scene.publish()
    await scene.emit(4)
    await scene.clock.advance(seconds)
    scene.relay = scene.new_relay()
    await scene.publish()
    assert await scene.state.waiting(range(4), 10) == []
    return await scene.published()


@pytest.mark.parametrize("seconds", [0.1, 0.9 * WINDOW_SECONDS, 10 * WINDOW_SECONDS, 86_400 * 3])
async def test_a_relay_that_died_before_it_dropped_the_rows_doubles_nothing(seconds: float) -> None:
    assert await restarted_after(Scene(), seconds) == [1, 2, 3, 4]


class NeverLooks(Relay):
    async def _looked_up(self, rows: Sequence[Waiting], through: int) -> set[int]:
        return set()


async def test_without_the_look_a_relay_that_was_away_too_long_doubles() -> None:
    assert await restarted_after(Scene(NeverLooks), 10 * WINDOW_SECONDS) != [1, 2, 3, 4]


async def test_an_answer_that_was_lost_doubles_nothing_either() -> None:
    scene = Scene()
    await scene.begin()
    await scene.publish()
    await scene.emit(1, 2)
    scene.log.fail = True
    task = asyncio.create_task(scene.relay._publish_patiently())
    await scene.clock.advance(0.01)
    for _ in range(3):  # the pause of the relay begins after the window is over
        await scene.clock.advance(5 * WINDOW_SECONDS)
    await task
    assert await scene.published() == [1, 2]


async def test_what_is_in_doubt_stays_so_when_partitions_change_meanwhile() -> None:
    scene = Scene()
    await scene.begin()
    await scene.emit(1, 2)
    scene.state.die = True
    with pytest.raises(asyncio.CancelledError):
        await scene.publish()
    await scene.clock.advance(10 * WINDOW_SECONDS)
    relay, genuine = scene.new_relay(), scene.state.waiting

    async def waiting(partitions: Collection[int], limit: int) -> list[Waiting]:
        rows = await genuine(partitions, limit)
        relay.follow(range(3))
        return rows

    scene.state.waiting = waiting  # type: ignore[method-assign]
    await scene.publish(relay)
    assert await scene.published() == [1, 2]


async def test_what_was_never_published_is_not_looked_for() -> None:
    """Rows that came under this relay: the usual case pays nothing."""
    scene = Scene()
    await scene.begin()
    await scene.publish()
    await scene.emit(1)
    await scene.clock.advance(10 * WINDOW_SECONDS)
    asked: list[object] = []
    scene.relay._catch_up = lambda partitions: asked.append(partitions)  # type: ignore[assignment,return-value]
    await scene.publish()
    assert (asked, await scene.published()) == ([], [1])


async def test_more_than_the_log_has_room_for_goes_in_parts() -> None:
    scene = Scene()
    await scene.begin()
    await scene.emit(*range(100))
    await scene.publish()
    assert await scene.published() == list(range(100))


class DropsFirst(Relay):
    async def publish(self) -> bool:
        rows = await self._outbox.waiting(self._partitions, 100)
        await self._outbox.published(rows)
        if rows:
            await appended(self._log, [row.event for row in rows])
        return bool(rows)


@pytest.mark.parametrize(("relay", "kept"), [(Relay, [1, 2]), (DropsFirst, [])])
async def test_a_log_that_is_away_loses_nothing(relay: type[Relay], kept: list[int]) -> None:
    scene = Scene(relay)
    await scene.begin()
    await scene.emit(1, 2)
    await scene.log.close()
    with pytest.raises(Exception, match="closed"):
        await scene.publish()
    assert [row.event.id for row in await scene.state.waiting(range(4), 10)] == [event(number).id for number in kept]


class AfterTheLast(Relay):
    last = 0

    async def publish(self) -> bool:
        rows = [row for row in await self._outbox.waiting(self._partitions, 100) if row.row > self.last]
        if rows:
            await appended(self._log, [row.event for row in rows])
            await self._outbox.published(rows)
            self.last = rows[-1].row
        return bool(rows)


@pytest.mark.parametrize(("relay", "found"), [(Relay, [2, 1]), (AfterTheLast, [2])])
async def test_a_row_whose_commit_ended_late_is_published(relay: type[Relay], found: list[int]) -> None:
    scene = Scene(relay)
    await scene.begin()
    scene.tables.row += 1  # the number is given, its transaction goes on
    await scene.emit(2)
    await scene.publish()
    scene.tables.outbox[1] = event(1)
    await scene.publish()
    assert await scene.published() == found


class SharesRows(Relay):
    """As with FOR UPDATE SKIP LOCKED: each takes rows that the other has not."""

    taken: set[int] = set()  # noqa: RUF012 - shared on purpose

    async def publish(self) -> bool:
        rows = [row for row in await self._outbox.waiting(self._partitions, 100) if row.row not in self.taken][:2]
        self.taken |= {row.row for row in rows}
        await self._clock.sleep(0.5 if rows and rows[0].row == 1 else 0)
        if rows:
            await appended(self._log, [row.event for row in rows])
            await self._outbox.published(rows)
        return bool(rows)


class SlowFirst(Relay):
    """The real one; the first of two is held up between reading the outbox and publishing."""

    held = False

    async def _looked_up(self, rows: Sequence[Waiting], through: int) -> set[int]:
        if not SlowFirst.held:
            SlowFirst.held = True
            await self._clock.sleep(0.5)
        return await super()._looked_up(rows, through)


@pytest.mark.parametrize(("relay", "in_order"), [(SlowFirst, True), (SharesRows, False)])
async def test_two_relays_of_one_partition_reorder_nothing(relay: type[Relay], in_order: bool) -> None:
    scene = Scene(relay)
    await scene.begin()
    await scene.emit(1, 2, 3, 4)
    first = asyncio.create_task(scene.publish(scene.relay))
    await scene.clock.advance(0.01)
    await scene.publish(scene.new_relay())
    await scene.clock.advance(1)
    await first
    assert (await scene.published() == [1, 2, 3, 4]) is in_order


async def test_a_relay_beyond_the_window_is_known_by_the_index() -> None:
    """A member that wakes up long after its lease publishes again: the log has it twice, the flows see it once."""
    scene = Scene()
    await scene.begin()
    await scene.emit(1, 2)
    rows = await scene.state.waiting(range(4), 10)
    await scene.publish()
    await scene.clock.advance(10 * WINDOW_SECONDS)
    await appended(scene.log, [row.event for row in rows])
    await scene.emit(3)
    await scene.publish()
    assert await scene.published() == [1, 2, 1, 2, 3]
    await scene.split.log.follow(range(4))
    assert await ids_in(scene.split.log, 0) == [event(number).id for number in (1, 2, 3)]
    (books,) = await scene.state.sums({FLOW: [TYPE]})
    assert (books.accepted, books.pending) == (3, 3)
