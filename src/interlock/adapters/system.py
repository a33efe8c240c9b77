"""Clock and identifiers of the machine it runs on."""

from __future__ import annotations

import os
import random
import time

_NODE_BITS = 26
_COUNTER_SEED_BITS = 47  # of 48: the top bit stays clear, so that counting up within a millisecond cannot overflow


class SystemClock:
    """`model.Clock` over the system's wall and monotonic clocks."""

    __slots__ = ()

    def now_us(self) -> int:
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000

    async def sleep(self, seconds: float) -> None:
        import asyncio  # commands that only ask the time start without it

        if seconds > 0:
            await asyncio.sleep(seconds)


class SystemIds:
    """`model.Ids`. Not thread-safe, not to be carried across a fork.

    `new_id` rises strictly within one object (RFC 9562 section 6.2, method 2): each millisecond starts from 73 fresh
    random bits, further ids of the same millisecond count up in the last 48. A clock that steps back is ignored
    until it has caught up.
    """

    __slots__ = ("_counter", "_millisecond", "_prefix", "_random")

    def __init__(self) -> None:
        self._random = random.Random(os.urandom(32))  # noqa: S311 - jitter and trace ids, never secrets
        self._millisecond = -1
        self._prefix = ""
        self._counter = 0

    def new_id(self) -> str:
        millisecond = time.time_ns() // 1_000_000
        if millisecond > self._millisecond:
            self._reseed(millisecond)
        self._counter += 1
        return f"{self._prefix}{self._counter:012x}"

    def chance(self) -> float:
        return self._random.random()

    def trace_parent(self) -> str:
        # A zero id is invalid (section 3.2.2.3 and .4); the set bit excludes it.
        bits = self._random.getrandbits(192) | (1 << 64) | 1
        return f"00-{bits >> 64:032x}-{bits & 0xFFFFFFFFFFFFFFFF:016x}-00"

    def _reseed(self, millisecond: int) -> None:
        self._millisecond = millisecond
        fresh = int.from_bytes(os.urandom(10), "big")
        self._counter = fresh & ((1 << _COUNTER_SEED_BITS) - 1)
        node = (fresh >> _COUNTER_SEED_BITS) & ((1 << _NODE_BITS) - 1)
        self._prefix = uuid7_prefix(millisecond, node)


def uuid7_prefix(millisecond: int, node: int) -> str:
    """The first 24 characters of a UUIDv7: Unix milliseconds, version 7, variant 0b10, and 26 bits of `node`."""
    stamp = f"{millisecond:012x}"
    return f"{stamp[:8]}-{stamp[8:]}-7{node >> 14:03x}-{0x8000 | (node & 0x3FFF):04x}-"
