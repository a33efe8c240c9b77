"""Who listens to a log, and to which of its partitions: the same for every adapter."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence

from interlock.model.event import Stored
from interlock.ports.event_log import Listener


class Audience:
    """The listeners of one log. `followed` is None while all partitions are."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self.followed: frozenset[int] | None = None

    def __bool__(self) -> bool:
        return bool(self._listeners)

    def add(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def follow(self, partitions: Collection[int]) -> None:
        self.followed = frozenset(partitions)

    def follows(self, partition: int) -> bool:
        return self.followed is None or partition in self.followed

    def tell(self, fresh: Sequence[Stored]) -> None:
        """A listener that raises must not keep others from hearing: the events are durable."""
        if self.followed is not None:
            fresh = [stored for stored in fresh if stored.event.partition in self.followed]
        for listener in self._listeners if fresh else ():
            try:
                listener(fresh)
            except Exception as error:
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "a listener of the log raised", "exception": error}
                )
