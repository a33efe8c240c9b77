"""Deliveries that other processes place in our partitions: found by looking, more often while there are any."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from interlock.model.clock import Clock

SHORTEST_SECONDS, LONGEST_SECONDS = 0.1, 1.0


async def look_out(look: Callable[[], Awaitable[bool]], found: Callable[[], None], clock: Clock) -> None:
    """For ever: `look`, and call `found` when there was something. Pauses double while there is nothing."""
    pause_seconds = SHORTEST_SECONDS
    while True:
        await clock.sleep(pause_seconds)
        if await look():
            found()
            pause_seconds = SHORTEST_SECONDS
        else:
            pause_seconds = min(pause_seconds * 2, LONGEST_SECONDS)
