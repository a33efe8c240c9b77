"""Requests, answers and deliveries lost on the way: no event is lost or doubled, order holds, nothing is guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from interlock.adapters.jetstream import JetStreamLog, publisher
from interlock.adapters.jetstream.flight import Flights
from interlock.adapters.jetstream.hearing import Hearing
from interlock.adapters.jetstream.reader import StreamReader
from interlock.model.event import Appended
from interlock.model.problems import StorageUnavailable
from interlock.testing.samples import append, event, events, ids_in

from .conftest import Opener
from .proxy import Proxy, nothing

Outcome = Appended | BaseException


def acks(subject: bytes, payload: bytes) -> bool:
    return b'"seq":' in payload and b'"stream":' in payload and b"type" not in payload


def first_time(identity: str) -> Callable[[bytes, bytes], bool]:
    """Loses the event of that id once."""
    left = [True]

    def lose(subject: bytes, payload: bytes) -> bool:
        if left[0] and f"ce-id: {identity}\r\n".encode() in payload:
            left[0] = False
            return True
        return False

    return lose


async def outcomes(log: JetStreamLog, numbers: Sequence[int]) -> list[Outcome]:
    calls = [append(log, [event(number)]) for number in numbers]
    found = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 20)
    return [one if isinstance(one, BaseException) else one[0] for one in found]


async def test_answers_that_are_lost_are_found_in_the_log(opener: Opener, proxy: Proxy) -> None:
    log = await opener(proxy.url)
    proxy.lose_answer = acks
    single = await outcomes(log, range(20))
    assert proxy.lost == 20
    batch = await asyncio.wait_for(append(log, events(100, 30)), 20)
    assert proxy.lost == 21
    assert [place for place in (*single, *batch) if place.duplicate] == []
    assert await ids_in(log, 0) == [event(number).id for number in (*range(20), *range(100, 130))]


async def test_answers_lost_with_the_connection(opener: Opener, proxy: Proxy) -> None:
    log = await opener(proxy.url)
    for call, lost in ((outcomes(log, range(10)), 10), (append(log, events(100, 10)), 11)):
        proxy.lose_answer = acks
        waiting = asyncio.ensure_future(call)
        await until(lambda lost=lost: proxy.lost == lost)
        proxy.lose_answer = nothing
        proxy.cut()
        assert not any(place.duplicate for place in await asyncio.wait_for(waiting, 20))
    assert len(await ids_in(log, 0)) == 20


async def an_event_that_others_overtook_fails(opener: Opener, proxy: Proxy) -> None:
    log = await opener(proxy.url)
    proxy.lose_request = first_time("e000003")
    found = await outcomes(log, range(10))
    assert [number for number, one in enumerate(found) if isinstance(one, BaseException)] == [3]
    assert isinstance(found[3], StorageUnavailable)
    assert found[3].retry_after_seconds
    assert await ids_in(log, 0) == [event(number).id for number in range(10) if number != 3]
    again = (await append(log, [event(3)]))[0]
    assert not again.duplicate
    assert (await ids_in(log, 0))[-1] == event(3).id


async def test_an_event_that_others_overtook_fails(opener: Opener, proxy: Proxy) -> None:
    await an_event_that_others_overtook_fails(opener, proxy)


async def test_one_that_publishes_again_whatever_was_stored_is_caught(
    opener: Opener, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Flights, "overtaken", lambda self, flight: False)
    with pytest.raises(AssertionError):
        await an_event_that_others_overtook_fails(opener, proxy)


async def test_the_last_one_and_a_batch_are_published_again(opener: Opener, proxy: Proxy) -> None:
    log = await opener(proxy.url)
    proxy.lose_request = first_time("e000009")
    assert [one for one in await outcomes(log, range(10)) if isinstance(one, BaseException)] == []
    proxy.lose_request = first_time("e000105")  # in the middle of a batch, which the server then refuses whole
    places = await asyncio.wait_for(append(log, events(100, 10)), 20)
    assert [place.duplicate for place in places] == [False] * 10
    assert await ids_in(log, 0) == [event(number).id for number in (*range(10), *range(100, 110))]


async def answers_are_lost_and_another_was_first(opener: Opener, proxy: Proxy) -> None:
    """Another process appended the same ids before: then they are duplicates, though an answer was lost."""
    other = await opener()
    first = await append(other, events(0, 5))
    log = await opener(proxy.url)
    proxy.lose_answer = acks
    call = asyncio.ensure_future(append(log, events(0, 8)))
    await until(lambda: proxy.lost == 1)
    proxy.lose_answer = nothing
    places = await asyncio.wait_for(call, 20)
    assert [place.duplicate for place in places] == [True] * 5 + [False] * 3
    assert [place.position for place in places[:5]] == [place.position for place in first]
    assert len(await ids_in(log, 0)) == 8


async def test_answers_are_lost_and_another_was_first(opener: Opener, proxy: Proxy) -> None:
    await answers_are_lost_and_another_was_first(opener, proxy)


async def a_lost_delivery_is_noticed(opener: Opener, proxy: Proxy) -> None:
    writer = await opener()
    log = await opener(proxy.url)
    heard: list[str] = []
    log.listen(lambda fresh: heard.extend(stored.event.id for stored in fresh))
    await append(writer, [event(0)])
    await until(lambda: len(heard) == 1)
    proxy.lose_answer = first_time("e000005")
    for number in range(1, 30):
        await append(writer, [event(number)])
    await until(lambda: len(heard) == 30)
    assert heard == [event(number).id for number in range(30)]


async def test_a_lost_delivery_is_noticed(opener: Opener, proxy: Proxy) -> None:
    await a_lost_delivery_is_noticed(opener, proxy)


async def test_one_that_does_not_count_deliveries_is_caught(
    opener: Opener, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hearing, "in_order", lambda self, delivery, before: True)
    with pytest.raises((AssertionError, TimeoutError)):
        await asyncio.wait_for(a_lost_delivery_is_noticed(opener, proxy), 4)


async def test_a_cut_connection_costs_listeners_nothing(opener: Opener, proxy: Proxy) -> None:
    writer = await opener()
    log = await opener(proxy.url)
    heard: list[str] = []
    log.listen(lambda fresh: heard.extend(stored.event.id for stored in fresh))
    for number in range(40):
        await append(writer, [event(number)])
        if number % 10 == 5:
            proxy.cut()
    await until(lambda: len(heard) == 40)
    assert heard == [event(number).id for number in range(40)]


async def test_one_that_looks_nowhere_is_caught(opener: Opener, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """While answers are lost, only the scan can tell that the events are stored."""

    async def nowhere(self: StreamReader, after: int, wanted: frozenset[str]) -> dict[str, object]:
        return {}

    monkeypatch.setattr(StreamReader, "identities_after", nowhere)
    monkeypatch.setattr(publisher, "GIVE_UP_SECONDS", 2.0)
    log = await opener(proxy.url)
    proxy.lose_answer = acks
    assert all(isinstance(one, StorageUnavailable) for one in await outcomes(log, range(3)))


async def until(holds: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - whatever the test waits for
            await asyncio.sleep(0.01)
