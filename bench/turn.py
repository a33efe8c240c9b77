"""A subject's turn in a round: started, loaded, waited for, ended, checked. Live, or with events that wait already."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Protocol

from bench import machine
from bench.comparison import Figure
from bench.subjects.interlock import Interlock

POLL_SECONDS = 0.01
PATIENCE_SECONDS = 180.0


class Subject(Protocol):
    """What can be waited for. `pids` are those whose CPU time is asked of the system."""

    @property
    def pids(self) -> list[int]: ...

    def done(self) -> int: ...

    def first_ns(self) -> int: ...

    def servers_seconds(self) -> float:
        """CPU time of the servers behind it that are not among `pids`."""
        ...


class Rival(Subject, Protocol):
    """Opened empty, loaded before or after its worker is started."""

    @property
    def name(self) -> str: ...

    def open(self) -> None: ...

    def start(self, *, env: dict[str, str] | None = None) -> None: ...

    def load(self, count: int) -> dict[str, float]: ...

    def stop(self) -> None: ...

    def remove(self) -> None: ...


@dataclass(slots=True)
class Samples:
    """Of each round: events/s, and microseconds of CPU per event, of the whole side and of its servers."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    servers: list[float] = field(default_factory=list)

    def figure(self, name: str) -> Figure:
        cost = median(self.costs) if self.costs else None
        return Figure(name, tuple(self.rates), cost, median(self.servers) if any(self.servers) else None)

    def begin_earlier(self, count: int, seconds: list[float]) -> None:
        """Of each round: so long before its beginning it was at work already."""
        self.rates = [count / (count / rate + more) for rate, more in zip(self.rates, seconds, strict=True)]

    def add(self, count: int, begin_ns: float, end_ns: int, spent: Spent) -> None:
        self.rates.append(count / ((end_ns - begin_ns) / 1e9))
        own, servers = spent.seconds()
        events = count - spent.already
        if 2 * events > count:  # of what was handled while it started, nobody knows the cost
            self.costs.append((own + servers) / events * 1e6)
            self.servers.append(servers / events * 1e6)

    def add_since(self, count: int, begin_ns: int, end_ns: int, spent: Spent) -> None:
        """Of a round whose beginning does not count: what was handled from `begin_ns` on, and its cost."""
        handled, (own, servers) = count - spent.already, spent.seconds()
        self.rates.append(handled / ((end_ns - begin_ns) / 1e9))
        self.costs.append((own + servers) / handled * 1e6)
        self.servers.append(servers / handled * 1e6)


class Spent:
    """CPU time of a subject since now."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self.already = subject.done()
        self._own, self._servers = machine.cpu_seconds(subject.pids), subject.servers_seconds()

    def seconds(self) -> tuple[float, float]:
        """Its own processes' and its servers'."""
        own, servers = machine.cpu_seconds(self._subject.pids), self._subject.servers_seconds()
        return own - self._own, servers - self._servers


Run = Callable[[Samples], None]


def wait_until_done(subject: Subject, count: int) -> int:
    """The moment, in nanoseconds, at which all are committed; 10 ms late at most. Raises TimeoutError."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while subject.done() < count:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{subject.done()} of {count} were handled in {PATIENCE_SECONDS:.0f} s.")
        time.sleep(POLL_SECONDS)
    return time.time_ns()


def ours_live(
    make: Callable[[], Interlock], count: int, samples: Samples, seen: Callable[[Any], None] | None = None
) -> None:
    """`seen` gets the subject when all is done, before it is killed."""
    ours = make()
    try:
        ours.start()
        spent = Spent(ours)
        result = ours.load(count)
        samples.add(count, result["begin_ns"], wait_until_done(ours, count), spent)
        if seen is not None:
            seen(ours)
    finally:
        ours.kill()
    ours.verify(handled=True)
    ours.remove()


def ours_waiting(
    make: Callable[[], Interlock], count: int, samples: Samples, seen: Callable[[Any], None] | None = None
) -> None:
    ours = make()
    ours.preload(count)
    try:
        ours.start()
        spent = Spent(ours)
        end = wait_until_done(ours, count)
        samples.add(count, ours.first_ns(), end, spent)
        if seen is not None:
            seen(ours)
    finally:
        ours.kill()
    ours.verify(handled=True)
    ours.remove()


def start_seconds(make: Callable[[], Interlock]) -> float:
    """How long a start takes with next to nothing to do, on stores that are there."""
    ours = make()
    ours.preload(1)
    try:
        ours.start()
        return ours.started_seconds
    finally:
        ours.kill()
        ours.remove()


def rival_live(subject: Rival, count: int, samples: Samples, env: Mapping[str, str] | None = None) -> None:
    try:
        subject.open()
        subject.start(env=dict(env) if env else None)
        spent = Spent(subject)
        result = subject.load(count)
        samples.add(count, result["begin_ns"], wait_until_done(subject, count), spent)
    finally:
        subject.stop()
        subject.remove()


def rival_waiting(subject: Rival, count: int, samples: Samples) -> None:
    try:
        subject.open()
        subject.load(count)
        subject.start()
        spent = Spent(subject)
        end = wait_until_done(subject, count)
        samples.add(count, subject.first_ns(), end, spent)
    finally:
        subject.stop()
        subject.remove()
