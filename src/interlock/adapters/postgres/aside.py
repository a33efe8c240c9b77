"""Rows of a batch for a log that lies elsewhere: what waits in the outbox, what was published, what is indexed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

from interlock.adapters.postgres import aside_sql, sql
from interlock.adapters.postgres.claims import Identity, Place
from interlock.adapters.postgres.columns import Ints, Statement, Texts, columns
from interlock.model.event import Event
from interlock.ports.log_index import Stretch

Rows = list[tuple[Any, ...]]
EMPTY_CRC = crc32(b"")


class Aside:
    """`outbox` are the events that the batch's steps emit."""

    def __init__(self) -> None:
        self.outbox: list[Event] = []
        self._gone: Rows = []
        self._indexed: Rows = []
        self._claims: dict[Identity, Place] = {}
        self._kinds: defaultdict[tuple[int, str, str], int] = defaultdict(int)
        self._duplicates: Rows = []
        self._moves: dict[int, tuple[int, int]] = {}

    @property
    def waiting(self) -> frozenset[int]:
        """Partitions with new rows in the outbox."""
        return frozenset(event.partition for event in self.outbox)

    def publish(self, rows: Iterable[tuple[int, int]]) -> None:
        """Rows that are to go: partition and number."""
        self._gone += rows

    def fits(self, stretch: Stretch, ends: Mapping[int, int]) -> bool:
        """Whether it begins where the index ends, as far as that was looked up, with what this batch has of it."""
        staged = self._moves.get(stretch.partition)
        end = ends.get(stretch.partition, stretch.after) if staged is None else staged[1]
        return stretch.after == end

    def index(self, stretch: Stretch, claimed: Mapping[Identity, Place]) -> set[int]:
        """Stage a stretch; the positions that hold nothing new."""
        partition, after, part = stretch
        duplicates = set()
        for position, event in part.events:
            identity = (event.source, event.id)
            if identity in claimed or identity in self._claims:
                duplicates.add(position)
                continue
            self._claims[identity] = (partition, position)
            self._kinds[partition, event.type, event.version] += 1
            self._indexed.append((*without_texts(event), position, EMPTY_CRC))
        self._duplicates += ((partition, position) for position in sorted(duplicates))
        first, _ = self._moves.get(partition, (after, after))
        self._moves[partition] = (first, part.through)
        return duplicates

    def statements(self, table: int) -> list[Statement]:
        """In the order in which locks are taken. `table`: where claims go now."""
        found: list[Statement] = []
        if self._moves:
            moved = columns((Ints, Ints, Ints), [(one, *move) for one, move in sorted(self._moves.items())])
            found.append((sql.HEADS_LOCK, (moved[0],)))
            found.append((aside_sql.INDEX_MOVE, (*moved, len(self._moves))))
        claims = [(event_id, source, *place) for (source, event_id), place in self._claims.items()]
        kinds = sorted((*kind, total) for kind, total in self._kinds.items())
        for statement, types, rows in (
            (aside_sql.INDEX, aside_sql.INDEX_KINDS, self._indexed),
            (aside_sql.CLAIM[table], aside_sql.CLAIM_KINDS, claims),
            (sql.CONTRACT_TALLY, (Ints, Texts, Texts, Ints), kinds),
            (aside_sql.DUPLICATE_NEW, (Ints, Ints), self._duplicates),
            (aside_sql.OUTBOX_GONE, (Ints, Ints), self._gone),
            (aside_sql.OUTBOX_NEW, sql.EVENT_KINDS, self.outbox),
        ):
            if rows:
                found.append((statement, columns(types, rows)))
        return found


def without_texts(event: Event) -> Event:
    """What the record may hold of it: no body, and no attributes of others, which may say anything."""
    return event._replace(attributes=None, body=b"")
