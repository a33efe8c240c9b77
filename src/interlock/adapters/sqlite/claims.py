"""Dedupe of (source, id) at the log's door, in time buckets.

Two buckets live at a time, so an id is remembered for between one and two bucket lengths. Keys are the producers' own
ids, not hashes: time-ordered ids keep their inserts at one edge of the tree.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw
import orjson

from interlock.adapters.sqlite import sql
from interlock.model.event import Event

Identity = tuple[str, str]


class Claims:
    """Buckets are numbered by time; the current and the previous one are searched."""

    def __init__(self, connection: apsw.Connection, bucket_seconds: int) -> None:
        self._connection = connection
        self._bucket_us = bucket_seconds * 1_000_000
        found = [int(name[6:]) for (name,) in connection.execute(sql.CLAIM_TABLES)]
        self._live = sorted(found)
        self._insert = ""

    def find(self, events: Sequence[Event]) -> dict[Identity, int]:
        """Positions of those of the events that are known."""
        self._rotate(events[0].time_us // self._bucket_us)
        ids = orjson.dumps([event.id for event in events]).decode()
        known: dict[Identity, int] = {}
        for bucket in self._live:
            for event_id, source, position in self._connection.execute(sql.CLAIM_FIND.format(bucket=bucket), (ids,)):
                known[source, event_id] = position
        return known

    def add(self, rows: list[tuple[str, str, int]]) -> None:
        self._connection.executemany(self._insert, rows)

    def reload(self) -> None:
        """After a rollback, which may have undone a rotation."""
        found = [int(name[6:]) for (name,) in self._connection.execute(sql.CLAIM_TABLES)]
        self._live = sorted(found)

    def _rotate(self, bucket: int) -> None:
        """Open the bucket of this moment; drop all but the newest two. A clock that steps back keeps the newest."""
        if self._live and bucket <= self._live[-1]:
            bucket = self._live[-1]
        if not self._live or bucket > self._live[-1]:
            self._connection.execute(sql.CLAIM_TABLE.format(bucket=bucket))
            self._live.append(bucket)
            for old in self._live[:-2]:
                self._connection.execute(f"DROP TABLE claim_{old}")
            self._live = self._live[-2:]
            if self._live[0] < bucket - 1:
                self._connection.execute(f"DROP TABLE claim_{self._live.pop(0)}")
        self._insert = sql.CLAIM_INSERT.format(bucket=bucket)
