"""The dedupe window of the memory log: claims in time buckets, the two newest live."""

from __future__ import annotations

from interlock.model.event import Event

_Claims = dict[tuple[str, str], tuple[int, int]]


class DedupeWindow:
    """Remembers (source, id) for at least one bucket's length and less than two."""

    __slots__ = ("_bucket_us", "_current", "_newest", "_previous")

    def __init__(self, bucket_seconds: int) -> None:
        self._bucket_us = bucket_seconds * 1_000_000
        self._newest = 0
        self._current: _Claims = {}
        self._previous: _Claims = {}

    def find(self, event: Event) -> tuple[int, int] | None:
        """The (partition, position) of the first event of this identity."""
        self.rotate(event.time_us)
        identity = (event.source, event.id)
        return self._current.get(identity) or self._previous.get(identity)

    def claim(self, event: Event, position: int) -> None:
        self._current[event.source, event.id] = (event.partition, position)

    def rotate(self, now_us: int) -> None:
        """Forget what is older than the bucket before `now_us`. Time that steps back changes nothing."""
        bucket = now_us // self._bucket_us
        if bucket <= self._newest:
            return
        self._previous = self._current if bucket == self._newest + 1 else {}
        self._current = {}
        self._newest = bucket
