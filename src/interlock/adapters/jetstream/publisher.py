"""Publishes calls in their order, many in flight.

A call with one event is one message. Calls with more go as a batch that is all or nothing (ADR-50), several together if
they wait; while a batch is out, nothing is published to its partitions, since it may have to be published again
without the duplicates that the server found in it.

When an answer is missing or says 'not now', nothing more is published until it is known what was stored: `recovery`.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson
from nats.aio.msg import Msg
from nats.errors import Error

from interlock.adapters.jetstream.flight import Call, Flight, Flights
from interlock.adapters.jetstream.link import ApiRefusal, Link, refusal
from interlock.adapters.jetstream.reader import StreamReader
from interlock.adapters.jetstream.recovery import ACK_SECONDS, CHECK_SECONDS, Recovery, place_of
from interlock.adapters.jetstream.wire import Outgoing, encode
from interlock.model.event import Appended, Event
from interlock.model.lasting_task import lasting
from interlock.model.problems import BodyTooLarge, Closed, Problem, TooManyRequests
from interlock.ports.event_log import AppendDone

BATCH_MESSAGES = 1000  # the server's limit
BATCH_BYTES = 8_388_608
GIVE_UP_SECONDS = 12.0
AGAIN_SECONDS = 0.02
HEADER_ROOM = 512  # for what the batch and the protocol add to a message
DUPLICATES = 10201  # the batch has some
IN_PROCESS = 10158  # another one with that id is on its way
NOT_NOW = frozenset({10008, 10074, 10118, 10167, 10176, 10199, 10200, 10202, 10203, 10205})

Placed = Callable[[Sequence[Appended]], None]


class Publisher:
    """`placed` is told of each answered call, before its caller is."""

    def __init__(
        self,
        link: Link,
        reader: StreamReader,
        stream: str,
        *,
        newest: Callable[[], int],
        limit_pending: int,
        largest_message: int,
        dedupe_seconds: float,
        placed: Placed,
        went_back: Callable[[int], None],
    ) -> None:
        self._link = link
        self._reader = reader
        self._stream = stream
        self._newest = newest
        self._limit = limit_pending
        self._largest = largest_message
        self._dedupe_seconds = dedupe_seconds
        self._placed = placed
        self._went_back = went_back
        self._queue: deque[Call] = deque()
        self._flights = Flights()
        self._pending = 0
        self._wake = asyncio.Event()
        self._recovery = Recovery(link, reader, self._flights, self._publish, self._land, self._crash)
        self._away_since: float | None = None
        self._closed = False
        self._broken: Problem | None = None
        self._loop = asyncio.get_running_loop()
        self._asides: set[asyncio.Task[None]] = set()
        self._tasks = [lasting(self._pump(), "NATS publisher"), lasting(self._guard(), "NATS publisher's guard")]
        link.watch(self._link_changed)

    def append(self, events: Sequence[Event], done: AppendDone) -> None:
        """See EventLog.append."""
        problem = self._refused(events)
        if problem is not None:
            self._loop.call_soon(done, None, problem)
            return
        messages = [encode(event, self._stream) for event in events]
        if (problem := self._too_large(messages)) is not None:
            self._loop.call_soon(done, None, problem)
            return
        self._pending += len(events)
        self._queue.append(Call(events, done, messages, self._loop.time() + GIVE_UP_SECONDS))
        self._wake.set()

    def broken(self, problem: Problem) -> None:
        """From now on every call is refused with this."""
        self._broken = problem

    async def close(self) -> None:
        """Finish what was taken, within the time that an answer may take; refuse the rest."""
        self._closed = True
        end = self._loop.time() + GIVE_UP_SECONDS + ACK_SECONDS
        while self._pending and self._loop.time() < end:
            self._wake.set()
            await asyncio.sleep(0.002)
        self._recovery.stop()
        for task in (*self._tasks, *self._asides):
            task.cancel()
        await asyncio.gather(*self._tasks, *self._asides, return_exceptions=True)
        problem = Closed("The log was closed before the events were answered.")
        for flight in list(self._flights):
            self._crash(flight, problem)
        while self._queue:
            self._fail(self._queue.popleft(), problem)

    def _refused(self, events: Sequence[Event]) -> Problem | None:
        if self._closed:
            return Closed("The log was closed.")
        if self._broken is not None:
            return self._broken
        if self._pending + len(events) > self._limit:
            return TooManyRequests("Too many events wait for the log.", retry_after_seconds=1)
        if self._away_since is not None and self._loop.time() - self._away_since > GIVE_UP_SECONDS:
            return self._link.away()
        return None

    def _too_large(self, messages: Sequence[Outgoing]) -> Problem | None:
        if len(messages) > BATCH_MESSAGES:
            return BodyTooLarge(
                f"{len(messages)} events in one call; JetStream takes {BATCH_MESSAGES} that are all or nothing.",
                next_step="Send smaller batches.",
            )
        largest = max((message.size for message in messages), default=0) + HEADER_ROOM
        limit = self._largest_now()
        if largest > limit:
            return BodyTooLarge(
                f"An event takes {largest} bytes as a message; the stream takes {limit}.",
                next_step="Send a smaller event, or raise max_payload of the servers and max_msg_size of the stream.",
            )
        return None

    def _largest_now(self) -> int:
        with suppress(Problem):
            payload = self._link.largest_message
            return payload if self._largest < 0 else min(payload, self._largest)
        return self._largest if self._largest >= 0 else 1_048_576

    # Publishing

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and self._may_send(self._queue[0]):
                call = self._queue[0]
                if not call.unique:
                    self._queue.popleft()
                    self._succeed(call)
                    continue
                flight = self._take()
                try:
                    await self._publish(flight)
                except (Error, OSError, Problem):
                    self._suspect()

    def _may_send(self, call: Call) -> bool:
        return self._link.up.is_set() and not self._recovery.running and self._flights.has_room(call)

    def _take(self) -> Flight:
        """The first call; with more than one event, also those behind it that fit into its batch."""
        calls = [self._queue.popleft()]
        if len(calls[0].unique) > 1:
            identities, size = set(calls[0].unique), _bytes(calls[0])
            while self._queue:
                call = self._queue[0]
                size += _bytes(call)
                if (
                    not call.unique
                    or len(identities) + len(call.unique) > BATCH_MESSAGES
                    or size > BATCH_BYTES
                    or not identities.isdisjoint(call.unique)
                    or not self._may_send(call)
                ):
                    break
                identities.update(call.unique)
                calls.append(self._queue.popleft())
        flight = Flight(calls, self._newest())
        self._flights.enter(flight)
        return flight

    async def _publish(self, flight: Flight) -> None:
        """All of what is missing; its one answer comes to `_answered`."""
        client = self._link.client
        missing = list(flight.missing.values())
        flight.trouble, flight.sent = None, self._loop.time()
        flight.reply = self._link.new_reply(lambda message: self._answered(flight, message))
        if len(missing) == 1 and not flight.whole:
            message = missing[0]
            await client.publish(message.subject, message.body, flight.reply, message.headers)
            return
        flight.whole = True
        batch = f"{random.getrandbits(96):024x}"
        flight.tried.add(batch)
        for number, message in enumerate(missing, 1):
            headers = {**message.headers, "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}
            last = number == len(missing)
            if last:
                headers["Nats-Batch-Commit"] = "1"
            await client.publish(message.subject, message.body, flight.reply if last else "", headers)

    # Answers

    def _answered(self, flight: Flight, answer: Msg) -> None:
        if flight not in self._flights or flight.trouble is not None:
            return
        self._link.forget(flight.reply)
        if answer.headers and answer.headers.get("Status") == "503":
            self._doubt(flight, self._link.away("has nobody who leads the stream"))
            return
        told: dict[str, Any] = orjson.loads(answer.data)
        if refused := told.get("error"):
            self._refusal(flight, ApiRefusal(refused.get("err_code", 0), refused.get("description", "")))
            return
        last = int(told["seq"])
        if told.get("duplicate"):
            self._aside(self._first_place(flight, last))
            return
        missing = flight.missing
        first = last - len(missing) + 1
        if first <= flight.known:  # a position that was given before: the servers lost what they acknowledged
            self._went_back(first - 1)
            self._crash(flight, self._broken or Closed("The log was closed."))
            return
        for position, (identity, message) in enumerate(missing.items(), first):
            flight.place(identity, Appended(message.partition, position, False))
        self._land(flight)

    def _refusal(self, flight: Flight, refused: ApiRefusal) -> None:
        if refused.code == DUPLICATES:
            self._aside(self._without_duplicates(flight))
        elif refused.code == IN_PROCESS:
            flight.sent = self._loop.time()
            self._loop.call_later(AGAIN_SECONDS, lambda: self._aside(self._again(flight)))
        elif refused.code in NOT_NOW:
            self._doubt(flight, self._link.away(f"cannot take events now: {refused}"))
        else:
            self._crash(flight, refusal(refused))

    async def _again(self, flight: Flight) -> None:
        if flight in self._flights and not self._recovery.running:
            try:
                await self._publish(flight)
            except (Error, OSError, Problem):
                self._suspect()

    async def _first_place(self, flight: Flight, position: int) -> None:
        """The server knows the id: the event has the place of the first, which may be ours of an earlier try."""
        try:
            found = await self._reader.at(position)
        except Problem as problem:
            self._doubt(flight, problem)
            return
        if flight not in self._flights:
            return
        for identity, message in flight.missing.items():
            if found is None:  # the server still knows of it, and has removed it by a limit of the stream
                flight.place(identity, Appended(message.partition, position, True))
            else:
                flight.place(identity, place_of(flight, found, message))
        self._land(flight)

    async def _without_duplicates(self, flight: Flight) -> None:
        """Find which of the batch the server knows, give them their first places, and publish the rest."""
        missing = flight.missing
        try:
            found = await self._reader.identities_since(self._dedupe_seconds + ACK_SECONDS, list(missing))
        except Problem as problem:
            self._doubt(flight, problem)
            return
        if flight not in self._flights:
            return
        if not found:
            self._doubt(flight, self._link.away("knows some of the events and does not show them"))
            return
        for identity, message in found.items():
            flight.place(identity, place_of(flight, message, missing[identity]))
        if flight.missing:
            await self._again(flight)
        else:
            self._land(flight)

    def _land(self, flight: Flight) -> None:
        self._flights.landed(flight)
        self._end(flight)
        for call in flight.calls:
            self._succeed(call)

    def _crash(self, flight: Flight, problem: Problem) -> None:
        self._end(flight)
        for call in flight.calls:
            self._fail(call, problem)

    def _end(self, flight: Flight) -> None:
        self._flights.leave(flight)
        self._link.forget(flight.reply)
        self._wake.set()

    def _succeed(self, call: Call) -> None:
        self._pending -= len(call.events)
        places = call.answer()
        if places:
            self._placed(places)
        self._loop.call_soon(call.done, places, None)

    def _fail(self, call: Call, problem: Problem) -> None:
        self._pending -= len(call.events)
        self._loop.call_soon(call.done, None, problem)

    def _aside(self, work: Any) -> None:
        task = lasting(work, "NATS publisher")
        self._asides.add(task)
        task.add_done_callback(self._asides.discard)

    def _link_changed(self) -> None:
        if self._link.up.is_set():
            self._away_since = None
            self._wake.set()
            return
        if self._away_since is None:
            self._away_since = self._loop.time()
        self._suspect()

    def _doubt(self, flight: Flight, problem: Problem) -> None:
        flight.trouble = problem
        self._suspect()

    def _suspect(self) -> None:
        if self._flights and not self._recovery.running:
            self._recovery.running = True
            self._aside(self._recover())

    async def _recover(self) -> None:
        try:
            await self._recovery.run()
        finally:
            self._recovery.running = False
            self._wake.set()

    async def _guard(self) -> None:
        """Nothing waits for ever: neither for an answer nor in the queue."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            now = self._loop.time()
            if any(now - flight.sent > ACK_SECONDS for flight in self._flights):
                self._suspect()
            while self._queue and self._queue[0].deadline < now:
                self._fail(self._queue.popleft(), self._link.away("took no events for long"))
            self._wake.set()


def _bytes(call: Call) -> int:
    return sum(message.size for message in call.messages)
