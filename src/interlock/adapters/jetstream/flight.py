"""What is on its way into the log: calls that wait, and messages that were published and not answered yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from interlock.adapters.jetstream.wire import Outgoing
from interlock.model.event import Appended, Event
from interlock.model.problems import Problem
from interlock.ports.event_log import AppendDone

WINDOW_EVENTS = 1024
BATCHES = 4


class Call:
    """One `append`: its events without those that it repeats, as messages, and its places as they become known."""

    __slots__ = ("deadline", "done", "events", "messages", "partitions", "places", "unique")

    def __init__(
        self, events: Sequence[Event], done: AppendDone, messages: Sequence[Outgoing], deadline: float
    ) -> None:
        self.events = events
        self.done = done
        self.deadline = deadline
        self.unique: dict[str, Outgoing] = {}
        for message in messages:
            self.unique.setdefault(message.identity, message)
        self.messages = messages
        self.partitions = frozenset(event.partition for event in events)
        self.places: dict[str, Appended] = {}

    def answer(self) -> list[Appended]:
        """In the order of the events; a repetition within the call is a duplicate of its first."""
        seen: set[str] = set()
        answers = []
        for message in self.messages:
            place = self.places[message.identity]
            answers.append(place._replace(duplicate=True) if message.identity in seen else place)
            seen.add(message.identity)
        return answers


class Flight:
    """Calls whose messages were published together: one message, or a batch that is all or nothing.

    known    a position that the stream had reached before the first of them was published
    whole    it is a batch, and stays one when it is published again without some of its messages
    blocks   partitions to which nothing is published meanwhile
    flying   identities of what is out
    tried    ids of the batches that it was published as
    uncertain  an answer to it is missing
    """

    __slots__ = (
        "blocks",
        "calls",
        "flying",
        "known",
        "number",
        "reply",
        "sent",
        "tried",
        "trouble",
        "uncertain",
        "whole",
    )

    def __init__(self, calls: Sequence[Call], known: int) -> None:
        self.calls = calls
        self.known = known
        self.number = 0
        self.whole = False
        self.blocks: frozenset[int] = frozenset()
        self.flying: list[str] = []
        self.uncertain = False
        self.tried: set[str | None] = set()
        self.reply = ""
        self.sent = 0.0
        self.trouble: Problem | None = None  # answered, and not with a place

    @property
    def missing(self) -> dict[str, Outgoing]:
        """What has no place yet, in the order of the calls, which have no identity in common."""
        return {
            identity: message
            for call in self.calls
            for identity, message in call.unique.items()
            if identity not in call.places
        }

    def place(self, identity: str, place: Appended) -> None:
        for call in self.calls:
            if identity in call.unique:
                call.places[identity] = place

    @property
    def partitions(self) -> frozenset[int]:
        return frozenset().union(*(call.partitions for call in self.calls))


class Flights:
    """What is out, in the order in which it was published, and what may go out beside it."""

    def __init__(self) -> None:
        self._flights: dict[int, Flight] = {}
        self._number = 0
        self._messages = 0
        self._batches = 0
        self._blocked: Counter[int] = Counter()
        self._flying: set[str] = set()
        self._landed: dict[int, int] = {}  # by partition, the latest flight that put something there

    def __iter__(self) -> Iterator[Flight]:
        return iter(self._flights.values())

    def __contains__(self, flight: Flight) -> bool:
        return flight.number in self._flights

    def __len__(self) -> int:
        return len(self._flights)

    def has_room(self, call: Call) -> bool:
        """Whether the call may follow what is out: a bounded number, no identity twice, no batch overtaken."""
        if self._messages and self._messages + len(call.unique) > WINDOW_EVENTS:
            return False
        if len(call.unique) > 1 and self._batches >= BATCHES:
            return False
        if self._blocked and not self._blocked.keys().isdisjoint(call.partitions):
            return False
        return self._flying.isdisjoint(call.unique)

    def enter(self, flight: Flight) -> None:
        self._number += 1
        flight.number = self._number
        self._flights[flight.number] = flight
        flight.flying = list(flight.missing)
        self._messages += len(flight.flying)
        self._flying.update(flight.flying)
        if len(flight.flying) > 1:
            self._batches += 1
            flight.blocks = flight.partitions
            self._blocked.update(flight.blocks)

    def leave(self, flight: Flight) -> None:
        if self._flights.pop(flight.number, None) is None:
            return
        self._messages -= len(flight.flying)
        self._flying.difference_update(flight.flying)
        if flight.blocks:
            self._batches -= 1
            self._blocked.subtract(flight.blocks)
            self._blocked = +self._blocked

    def landed(self, flight: Flight) -> None:
        """Something of it was stored, unless all was there before."""
        for call in flight.calls:
            for place in call.places.values():
                if not place.duplicate:
                    self._landed[place.partition] = max(flight.number, self._landed.get(place.partition, 0))

    def overtaken(self, flight: Flight) -> bool:
        """Whether what was published later stands in one of its partitions already."""
        return any(self._landed.get(partition, 0) > flight.number for partition in flight.partitions)
