"""What every back end must offer to be put through the conformance suites, and how the suites name their checks.

A suite is a list of checks; each proves one promise of a port's docstring on a fresh store. With pytest:

    @pytest.mark.parametrize("check", LOG_CHECKS, ids=str)
    async def test_log(check): await check.run(MyHarness())

The checks use `assert`: call `pytest.register_assert_rewrite("interlock.testing")` first to see values, and do not
run them under `python -O`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from interlock.ports.event_log import EventLog
from interlock.ports.record_reader import RecordReader
from interlock.ports.state_store import StateStore


class Store(EventLog, StateStore, Protocol):
    """Both ports on one object, as the fused adapters are."""


class Harness(Protocol):
    """One fresh back end. The limits apply from `open` on and are the same after `reopen`."""

    async def open(
        self, *, partitions: int = 4, limit_pending: int = 10_000, dedupe_bucket_seconds: int = 3600
    ) -> Store:
        """A new, empty store."""
        ...

    async def reopen(self) -> Store:
        """Close the store and open it again. Called only where `capabilities.durable` holds."""
        ...

    async def beside(self) -> Store:
        """The same store as another process has it open. Called only where the store is a Membership."""
        ...

    async def pass_time(self, seconds: float) -> None:
        """Let the time by which the store judges its members go on. Called only where it is a Membership."""
        ...

    async def record(self) -> RecordReader:
        """A reader of what the store committed. The suite closes it."""
        ...

    async def settle(self) -> None:
        """Return when all callbacks and listeners of what was submitted have run."""
        ...

    async def close(self) -> None:
        """Release everything; the store may be closed already."""
        ...

    def raw_events(self) -> int:
        """How many events the storage holds, counted past the adapter: as a second process would see them now."""
        ...

    def raw_handlings(self) -> int:
        """How many handling rows the storage holds, counted past the adapter."""
        ...


class NotApplicable(Exception):
    """A check that cannot be made here, with the reason: a capability that is declared absent, or a back end of the
    tests that lacks what the check needs. A runner shows it as skipped with the reason, never as passed."""


@runtime_checkable
class Elapses(Protocol):
    """A harness of a back end that goes by its own clock, and not by the times of the events."""

    async def elapse(self, seconds: int) -> None:
        """Return when that much time has passed for the back end; its harness may have shortened all its times."""
        ...


@runtime_checkable
class Forgets(Protocol):
    """A harness of a log that drops events by itself."""

    async def forget(self, partition: int, through: int) -> None:
        """Let everything of the partition up to a position expire, past the adapter. NotApplicable where the back end
        of the tests cannot."""
        ...


async def elapse(harness: Harness, seconds: int) -> None:
    """Let time pass where only the back end can tell it."""
    if isinstance(harness, Elapses):
        await harness.elapse(seconds)


CheckBody = Callable[[Harness], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, proven on one fresh store."""

    port: str
    promise: str
    name: str
    body: CheckBody

    def __str__(self) -> str:
        return self.name

    async def run(self, harness: Harness) -> None:
        """AssertionError when the promise is broken, NotApplicable when it is not made."""
        try:
            await self.body(harness)
        finally:
            await harness.close()


class Suite:
    """The checks of one port, in order of definition."""

    def __init__(self, port: str) -> None:
        self._port = port
        self._checks: list[Check] = []

    def proves(self, promise: str) -> Callable[[CheckBody], CheckBody]:
        """Add the function as a check of a promise: a bullet's name in the port's docstring, or a method's name."""

        def add(body: CheckBody) -> CheckBody:
            self._checks.append(Check(self._port, promise, body.__name__, body))
            return body

        return add

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks)

    def __add__(self, other: Suite) -> list[Check]:
        return [*self, *other]


def promised(port: type) -> list[str]:
    """The names of the bullets under 'Promises' in a port's docstring."""
    lines = (port.__doc__ or "").partition("Promises")[2].splitlines()
    return [line.strip()[2:].partition(":")[0] for line in lines if line.strip().startswith("- ")]


def methods(port: type) -> list[str]:
    """The public members that a port declares itself."""
    return [name for name in vars(port) if not name.startswith("_")]
