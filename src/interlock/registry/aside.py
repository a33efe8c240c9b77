"""Where what only computes runs: reading a schema of a megabyte takes half a second, and comparing two can take longer
than anybody wants to wait."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Aside(Protocol):
    """`call`, its answer and what it raises can be pickled. Raises TimeoutError when it is not done in time."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


async def here(call: Callable[[], T], /) -> T:
    """For who has nobody waiting."""
    return call()
