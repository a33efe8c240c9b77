"""Lookup by id, correlation and business key without a random-key index.

While a segment of the log is open its lookup hashes live in memory; when it is sealed they become one row. A lookup
scans the sealed rows with `bytes.find`, then the unsealed tail of the log: 18 bytes per event, gigabytes per second.
Hashes are 32 bits wide: a hit is a candidate, to be compared with the row.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from zlib import crc32

from interlock.model.event import Event
from interlock.model.hashing import DIGEST_BYTES, KeyHasher

SEAL_EVENTS = 16384
WIDTH = 4
FEW = 32  # so many searches cost less than a look at every hash


def id_hash(text: str) -> int:
    return crc32(text.encode())


Entry = tuple[int, str, str | None, bytes]


class Segment:
    """A stretch of the log's lookup index. Offsets have 16 bits: twice SEAL_EVENTS is more than it may ever get."""

    __slots__ = ("_hashes", "_offsets", "first", "last")

    def __init__(self, first: int) -> None:
        self.first = first
        self.last = first - 1
        self._hashes = array("I")
        self._offsets = array("H")

    def add(self, entries: Iterable[Entry]) -> None:
        """Entries are (position, id, correlation, business hashes), by position. A hot loop, hence the locals."""
        hashes, offsets, first = self._hashes.append, self._offsets.append, self.first
        position = self.last
        for position, event_id, correlation, business in entries:
            offset = position - first
            hashes(crc32(event_id.encode()))
            offsets(offset)
            if correlation is not None:
                hashes(crc32(correlation.encode()))
                offsets(offset)
            for start in range(0, len(business), DIGEST_BYTES):
                hashes(int.from_bytes(business[start : start + WIDTH], "little"))
                offsets(offset)
        self.last = position

    @property
    def full(self) -> bool:
        return self.last - self.first + 1 >= SEAL_EVENTS

    def row(self) -> tuple[int, int, bytes, bytes]:
        return self.first, self.last, self._hashes.tobytes(), self._offsets.tobytes()


class Unsealed:
    """The open end of the index: mostly one segment, more after a commit that emitted very many events."""

    __slots__ = ("_segments",)

    def __init__(self, sealed: int) -> None:
        self._segments = [Segment(sealed + 1)]

    def add(self, entries: Sequence[Entry]) -> None:
        for start in range(0, len(entries), SEAL_EVENTS):
            if self._segments[-1].full:
                self._segments.append(Segment(self._segments[-1].last + 1))
            self._segments[-1].add(entries[start : start + SEAL_EVENTS])

    def full(self) -> list[Segment]:
        """Those that can be sealed."""
        return [segment for segment in self._segments if segment.full]

    def sealed(self, done: Sequence[Segment]) -> None:
        """The commit that carried their rows succeeded."""
        if done:
            last = done[-1].last
            self._segments = [segment for segment in self._segments if segment not in done] or [Segment(last + 1)]


def candidates(first: int, hashes: bytes, offsets: bytes, wanted: set[int]) -> Iterator[int]:
    """Positions in a sealed segment whose entries match. Any number of them costs one pass."""
    if len(wanted) > FEW:
        wanted = wanted.intersection(array("I", hashes))
    places = array("H", offsets)
    for number in wanted:
        needle = number.to_bytes(WIDTH, "little")
        at = hashes.find(needle)
        while at >= 0:
            if at % WIDTH == 0:
                yield first + places[at // WIDTH]
            at = hashes.find(needle, at + 1)


class Wanted:
    """What a lookup looks for: terms, with their hashes as they stand in rows and in segments."""

    def __init__(self, terms: Collection[str], hasher: KeyHasher) -> None:
        self.terms = frozenset(terms)
        self.digests = frozenset(hasher.digest(term) for term in terms)
        self.hashes = {id_hash(term) for term in terms}
        self.hashes |= {int.from_bytes(digest[:WIDTH], "little") for digest in self.digests}

    def named(self, event_id: str, correlation: str | None, business: bytes) -> bool:
        if event_id in self.terms or correlation in self.terms:
            return True
        return any(business[start : start + DIGEST_BYTES] in self.digests for start in _starts(business))

    def matches(self, event: Event) -> bool:
        return self.named(event.id, event.correlation, event.business)


def _starts(business: bytes) -> range:
    return range(0, len(business), DIGEST_BYTES)
