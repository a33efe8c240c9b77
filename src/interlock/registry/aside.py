"""Where what only computes runs: reading a schema of a megabyte takes half a second, and nobody shall wait for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Aside(Protocol):
    """`call` touches nothing that others change; what it raises is raised here."""

    def __call__(self, call: Callable[[], T], /) -> Awaitable[T]: ...


async def here(call: Callable[[], T], /) -> T:
    """For who has no thread to spare."""
    return call()
