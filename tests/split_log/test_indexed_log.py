"""The log as flows see it: as far as the index, each event once, without turning in circles."""

from __future__ import annotations

import asyncio

import pytest
from split import Split

from interlock.adapters.memory import MemoryStore
from interlock.adapters.memory_split import MemoryState
from interlock.model.problems import SettingInvalid
from interlock.ports.event_log import Slice
from interlock.testing.fake_clock import FakeClock, settle
from interlock.testing.samples import append, event, ids_in

SECRET = b"s" * 32


class TrailingLog(MemoryStore):
    """As on Kafka: behind the last event stands something that has a position and is no event."""

    reads = 0

    def head(self, partition: int) -> int:
        return super().head(partition) + 1

    async def read(self, partition: int, after: int, limit: int) -> Slice:
        self.reads += 1
        part = await super().read(partition, after, limit)
        return part._replace(through=part.events[-1].position if part.events else after)


async def test_what_is_no_event_at_the_end_is_not_read_again_and_again() -> None:
    clock = FakeClock()
    log = TrailingLog(4, secret=SECRET)
    split = Split(log, MemoryState(4, secret=SECRET), clock)
    await split.log.catch_up()
    heard: list[str] = []
    split.log.listen(lambda fresh: heard.extend(stored.event.id for stored in fresh))
    await append(split.log, [event(1), event(2)])
    await settle()
    before = log.reads
    await clock.advance(0.5)
    await settle()
    assert (heard, log.reads - before) == ([event(1).id, event(2).id], 0)
    await clock.advance(1.5)
    assert 0 < log.reads - before <= 2 * 4
    await split.close()


async def test_flows_see_nothing_before_it_is_indexed() -> None:
    log, state = MemoryStore(4, secret=SECRET), MemoryState(4, secret=SECRET)
    split = Split(log, state, FakeClock())
    await append(split.log, [event(1)])
    assert (split.log.head(0), await ids_in(split.log, 0), split.log.unindexed) == (0, [], 1)
    await split.log.catch_up()
    assert (split.log.head(0), await ids_in(split.log, 0), split.log.unindexed) == (1, [event(1).id], 0)
    await split.close()


async def test_what_another_member_indexed_is_told_here_too() -> None:
    """The follower of a partition that was faster for a moment has told its own listeners only."""
    log, state = MemoryStore(4, secret=SECRET), MemoryState(4, secret=SECRET)
    first, second = Split(log, state, FakeClock()), Split(log, state, FakeClock())
    await first.log.catch_up()
    await second.log.catch_up()
    await append(log, [event(1), event(1, source="other"), event(2)])
    await append(log, [event(3, 1)])
    await second.log.catch_up()
    heard: list[str] = []
    first.log.listen(lambda fresh: heard.extend(stored.event.id for stored in fresh))
    async with asyncio.timeout(5):
        while len(heard) < 4:  # noqa: ASYNC110 - it is told from outside
            await asyncio.sleep(0.001)
    assert heard == [event(1).id, event(1).id, event(2).id, event(3).id]
    await first.close()


async def test_a_log_that_has_lost_what_was_handled_is_refused() -> None:
    state = MemoryState(4, secret=SECRET)
    split = Split(MemoryStore(4, secret=SECRET), state, FakeClock())
    await append(split.log, [event(1)])
    await split.log.catch_up()
    with pytest.raises(SettingInvalid, match="lost events that this state has handled"):
        await Split(MemoryStore(4, secret=SECRET), state, FakeClock()).log.catch_up()
