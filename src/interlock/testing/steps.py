"""Small steps, and ways to hand them to a store, for the checks of state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from interlock.model.handling import HandlingState
from interlock.model.problems import (
    Problem,
)
from interlock.model.step import Add, Put, Read, StepResult
from interlock.testing.conformance import Harness, Store
from interlock.testing.samples import (
    FLOW,
    TYPE,
    start,
)

PARKED, DONE, DEAD = HandlingState.PARKED, HandlingState.DONE, HandlingState.DEAD


async def owned(harness: Harness, **limits: int) -> tuple[Store, int]:
    """A fresh store and the epoch of its owner."""
    store = await harness.open(**limits)
    return store, await store.acquire(start(), {FLOW: [TYPE]})


def puts(key: str, value: bytes | None = b"1", version: int | None = None) -> StepResult:
    reads = () if version is None else (Read("orders", key, version),)
    return StepResult(reads=reads, puts=(Put("orders", key, value),))


def take(key: str, amount: int, floor: int = 0) -> StepResult:
    return StepResult(adds=(Add("stock", key, -amount, floor, None),))


def refill(key: str, amount: int, ceiling: int | None = None) -> StepResult:
    return StepResult(adds=(Add("stock", key, amount, None, ceiling),))


def kinds(outcomes: Sequence[Problem | None]) -> list[type[Problem] | None]:
    return [None if outcome is None else type(outcome) for outcome in outcomes]


async def problem_of(call: Awaitable[object]) -> BaseException | None:
    """What the awaitable raised; None when it returned."""
    return (await asyncio.gather(call, return_exceptions=True))[0]  # type: ignore[return-value]
