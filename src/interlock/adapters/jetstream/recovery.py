"""Finds out what became of messages whose answer is missing, and publishes again what was not stored.

The stream is scanned from where it ended before the oldest of them went out. What is there gets its place. What is not
is published again under its id, in order, unless something that was published later stands in its partition: then it
fails, and its caller decides, since at its new place it would be out of order.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress

from nats.errors import Error

from interlock.adapters.jetstream.flight import Flight, Flights
from interlock.adapters.jetstream.link import RETRY_AFTER_SECONDS, ApiRefusal, Link
from interlock.adapters.jetstream.reader import Found, StreamReader
from interlock.adapters.jetstream.wire import Outgoing, same
from interlock.model.event import Appended
from interlock.model.pauses import Pauses
from interlock.model.problems import Problem, StorageUnavailable

ACK_SECONDS = 3.0
CHECK_SECONDS = 0.25
PAUSE_SECONDS = 0.02
PING_SECONDS = 1.0


class Recovery:
    """`running`: nothing new is published meanwhile."""

    def __init__(
        self,
        link: Link,
        reader: StreamReader,
        flights: Flights,
        publish: Callable[[Flight], Awaitable[None]],
        land: Callable[[Flight], None],
        crash: Callable[[Flight, Problem], None],
    ) -> None:
        self._link = link
        self._reader = reader
        self._flights = flights
        self._publish = publish
        self._land = land
        self._crash = crash
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self.running = False

    def stop(self) -> None:
        self._stopped = True  # a cancellation can be lost in the driver's own waits

    async def run(self) -> None:
        """Return when all that was out is answered or out again."""
        await self._hear_the_rest()
        pauses = Pauses(PAUSE_SECONDS, 2 * CHECK_SECONDS, random.random)
        while self._flights and not self._stopped:
            self._give_up_old()
            with suppress(Problem, ApiRefusal, Error, OSError, TimeoutError):
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._link.up.wait()
                await self._look()
                return
            await asyncio.sleep(next(pauses))

    async def _hear_the_rest(self) -> None:
        """Answers that are still to come on this connection, for a while."""
        end = max((flight.sent for flight in self._flights), default=0.0) + ACK_SECONDS
        while self._link.up.is_set() and self._loop.time() < end:
            if all(flight.trouble is not None for flight in self._flights):
                return
            await asyncio.sleep(PAUSE_SECONDS)
        if self._link.up.is_set() and self._flights and not await self._link.ping(PING_SECONDS):
            self._link.drop()

    def _give_up_old(self) -> None:
        now = self._loop.time()
        for flight in list(self._flights):
            if all(call.deadline < now for call in flight.calls):
                self._crash(flight, _in_doubt(flight))

    async def _look(self) -> None:
        flights = list(self._flights)
        wanted = frozenset(identity for flight in flights for identity in flight.missing)
        known = min((flight.known for flight in flights), default=0)
        found = await self._reader.identities_after(known, wanted)
        again: list[Flight] = []
        for flight in reversed(flights):  # the later ones first: what they stored, the earlier ones must not follow
            if flight not in self._flights:
                continue
            flight.uncertain = True
            for identity, message in flight.missing.items():
                if identity in found:
                    flight.place(identity, place_of(flight, found[identity], message))
            if not flight.missing:
                self._land(flight)
            elif self._flights.overtaken(flight):
                self._crash(flight, _overtaken())
            else:
                again.append(flight)
        for flight in reversed(again):
            await self._publish(flight)


def place_of(flight: Flight, found: Found, message: Outgoing) -> Appended:
    """The place of a stored message: a duplicate, unless an earlier try of ours was stored, and its answer lost."""
    if flight.whole:
        ours = found.headers.get("Nats-Batch-Id") in flight.tried
    else:
        ours = found.position > flight.known and same(message, found.headers, found.body) and flight.uncertain
    return Appended(found.partition, found.position, not ours)


def _in_doubt(flight: Flight) -> Problem:
    why = "." if flight.trouble is None else f": {flight.trouble.detail}"
    return StorageUnavailable(
        f"The NATS servers did not say in time whether the events were stored{why}",
        next_step="Send them again under the same ids: what was stored is recognised.",
        retry_after_seconds=RETRY_AFTER_SECONDS,
    )


def _overtaken() -> Problem:
    return StorageUnavailable(
        "The event was lost on its way, and a later one of its partition was stored.",
        next_step="Send it again under the same id.",
        retry_after_seconds=1,
    )
