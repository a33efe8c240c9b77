"""Writes that hold what was read: decided again whenever somebody else wrote in between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from interlock.model.problems import StaleRead
from interlock.ports.schema_store import SchemaStore
from interlock.registry.refusal import STORE_TIMED_OUT

T = TypeVar("T")
TRIES = 100


async def decided(store: SchemaStore, step: Callable[[int], Awaitable[T]]) -> T:
    """`step` takes the revision that it decides on, and reads everything anew. Someone gets through with each round."""
    for _ in range(TRIES):
        seen = await store.revision()
        try:
            return await step(seen)
        except StaleRead:
            continue
    raise STORE_TIMED_OUT(f"Others wrote {TRIES} times while this was decided. Try again.")
