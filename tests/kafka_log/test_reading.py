"""What was expired is named, and several processes hear each other."""

from __future__ import annotations

import asyncio
import time

import kafka
import pytest

from interlock.adapters.kafka import KafkaLog
from interlock.model.event import Stored
from interlock.model.problems import EventsExpired
from interlock.testing.samples import append, event, events, ids_in

from .conftest import Opener

DEADLINE = 15


async def until(log: KafkaLog, heard: list[Stored], count: int) -> None:
    """Poll with a deadline; the log tells nobody else."""
    async with asyncio.timeout(DEADLINE):
        while len(heard) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_what_expired_is_named_and_never_skipped(mock: kafka.MockKafka, open_log: Opener) -> None:
    topic = kafka.new_topic(mock)
    writer = await open_log(mock, topic)
    for number in range(20):
        await append(writer, [event(number, 1)])
    mock.expire(topic, 1, 8)
    reader = await open_log(mock, topic)
    with pytest.raises(EventsExpired, match="positions 4 to 8 of partition 1") as caught:
        await reader.read(1, 3, 100)
    assert caught.value.first == 9
    part = await reader.read(1, caught.value.first - 1, 100)
    assert [stored.event.id for stored in part.events] == [event(number).id for number in range(8, 20)]


async def test_one_process_hears_another_in_order(broker: kafka.KafkaServer, open_log: Opener) -> None:
    topic = kafka.new_topic(broker)
    first, second = await open_log(broker, topic), await open_log(broker, topic)
    heard: list[Stored] = []
    second.listen(heard.extend)
    both = list(enumerate((first, second)))
    await asyncio.gather(*(append(log, [event(number * 1000 + nth, 1)]) for nth in range(100) for number, log in both))
    await append(first, events(5000, 30, 1))
    await until(second, heard, 230)
    assert [stored.event.id for stored in heard] == await ids_in(first, 1)
    for number in (0, 1):
        mine = [stored.event.id for stored in heard if int(stored.event.id[1:]) // 1000 == number]
        assert mine == [event(number * 1000 + nth).id for nth in range(100)]
    assert [stored.event.id for stored in heard[-30:]] == [one.id for one in events(5000, 30, 1)]


async def test_what_a_process_appends_it_hears_without_fetching_it(mock: kafka.MockKafka, open_log: Opener) -> None:
    """This broker holds a fetch for as long as it may, also when something comes meanwhile."""
    log = await open_log(mock, kafka.new_topic(mock), wait_ms=1500)
    heard: list[Stored] = []
    log.listen(heard.extend)
    begun = time.monotonic()
    for number in range(20):
        await append(log, [event(number, 1)])
    await until(log, heard, 20)
    assert time.monotonic() - begun < 1.2
    await append(log, events(20, 3, 1))
    await append(log, [event(23, 1)])
    await until(log, heard, 24)
    assert [stored.event.id for stored in heard] == [event(number).id for number in range(24)]
    assert [stored.event.id for stored in heard] == await ids_in(log, 1)


async def test_the_follower_goes_on_where_retention_overtook_it(mock: kafka.MockKafka, open_log: Opener) -> None:
    """It heard of nothing from a partition that it did not follow; what it hears next has no silent gap for readers."""
    topic = kafka.new_topic(mock)
    log = await open_log(mock, topic)
    await log.follow([0])
    other = await open_log(mock, topic)
    for number in range(10):
        await append(other, [event(number, 1)])
    mock.expire(topic, 1, 5)
    heard: list[Stored] = []
    log.listen(heard.extend)
    await log.follow([0, 1])
    await append(other, [event(10, 1)])
    await until(log, heard, 1)
    assert [stored.position for stored in heard] == [11]
    with pytest.raises(EventsExpired):
        await log.read(1, 0, 10)


async def test_a_reader_that_is_cancelled_leaves_its_consumer_whole(
    broker: kafka.KafkaServer, open_log: Opener
) -> None:
    topic = kafka.new_topic(broker)
    writer = await open_log(broker, topic)
    await append(writer, events(0, 200, 1))
    reader = await open_log(broker, topic)
    for _ in range(4):
        task = asyncio.create_task(reader.read(1, 0, 10))
        await asyncio.sleep(0)
        task.cancel()
    assert await ids_in(reader, 1, page=33) == [one.id for one in events(0, 200)]
