"""What a simulation of an estate needs to know of its world: what comes in, how systems answer, what must hold.

A drill stands in `drills/*.py` of the estate. It is read by `interlock drill --simulate` only, never by an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Chance(Protocol):
    """As random.Random: the same for the same seed."""

    def random(self) -> float: ...

    def randrange(self, start: int, stop: int | None = None, /) -> int: ...

    def choice(self, items: Sequence[Any], /) -> Any: ...


class Fact(NamedTuple):
    """An event that somebody posts to /events; it is posted again, as the same event, until it is acknowledged.

    type  the contract (`orders.OrderPlaced`), in its newest version
    data  as JSON data
    """

    type: str
    data: Mapping[str, Any]


class ApiCall(NamedTuple):
    """A request to an operation of one of the estate's APIs (`shop.importInvoice`), sent with an idempotency key."""

    operation: str
    data: Mapping[str, Any]


class Effect(NamedTuple):
    """What a system did, once for each idempotency key. `answer` is what it answered, then and to each repetition."""

    operation: str
    request: Mapping[str, Any]
    status: int
    answer: Any


class Systems(Protocol):
    """What all systems have done so far, for answers that depend on it."""

    def effects(self, operation: str) -> Sequence[Effect]: ...


class End(Systems, Protocol):
    """A deployment after a schedule, when everything that was broken has healed and everything is settled."""

    def sent(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The data that was acknowledged, of a contract or an API operation."""
        ...

    def events(self, event_type: str) -> Sequence[Mapping[str, Any]]:
        """The data of the log's events of this type."""
        ...

    def values(self, table: str) -> Mapping[str, Any]: ...

    def counters(self, table: str) -> Mapping[str, int]: ...

    def dead_letters(self, flow: str | None = None) -> Sequence[str]:
        """The reasons of the dead letters, calls included."""
        ...


@dataclass(slots=True)
class Drill:
    """The parts are functions, attached by decorators:

    feed       (chance) -> Facts and ApiCalls; those of one partition key, or of one operation, are sent in order
    answer     (request, systems) -> (status, JSON data): how a system answers `<system>.<operation>`, asked once for
               each idempotency key. Without one it is 200 and {}
    invariant  (end) -> sentences, one for each thing that is not as it must be. Named by the function
    """

    name: str
    feeds: list[Callable[[Chance], Iterable[Fact | ApiCall]]] = field(default_factory=list)
    answers: dict[str, Callable[[Mapping[str, Any], Systems], tuple[int, Any]]] = field(default_factory=dict)
    invariants: list[Callable[[End], Iterable[str]]] = field(default_factory=list)

    def feed(self, function: F) -> F:
        self.feeds.append(function)
        return function

    def answer(self, operation: str) -> Callable[[F], F]:
        def attach(function: F) -> F:
            self.answers[operation] = function
            return function

        return attach

    def invariant(self, function: F) -> F:
        self.invariants.append(function)
        return function
