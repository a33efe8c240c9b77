"""A store at rest as rows that every kind of store can give and take: what `interlock migrate` carries.

What can be counted again (tallies, lookup index, heads) is not carried. Texts that a store keeps as numbers are texts
here. Positions differ between stores, so rows are compared by the ordinal of their event within its partition.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from interlock.model.event import Event
from interlock.model.problems import SettingInvalid, StorageCorrupt

Row = tuple[Any, ...]


class Kind(NamedTuple):
    """One kind of row. `partition` and `position` are the columns that say where the event of the row is.

    `words`: columns whose texts recur, and that stores keep as numbers. `exact`: the log must hold that event. A cursor
    may stand between events, and a call of an API request has none.
    """

    name: str
    columns: tuple[str, ...]
    words: frozenset[str] = frozenset()
    exact: bool = True

    @property
    def placed(self) -> bool:
        return "position" in self.columns

    def numbered(self, row: Row, number: Callable[[str], int]) -> Row:
        """The row with numbers in place of its words."""
        if not self.words:
            return row
        return tuple(
            number(value) if name in self.words else value for name, value in zip(self.columns, row, strict=True)
        )

    def moved(self, row: Row, source: Places, target: Places | None) -> Row:
        """The row with its position in `target`; without one, with the ordinal of its event."""
        if not self.placed:
            return row
        nth, partition = self.columns.index("position"), row[self.columns.index("partition")]
        ordinal = source.ordinal(partition, row[nth], exact=self.exact)
        return (*row[:nth], ordinal if target is None else target.position(partition, ordinal), *row[nth + 1 :])


def _kind(name: str, text: str, words: str = "", *, exact: bool = True) -> Kind:
    columns = text.replace("*", " ".join(f"e_{field}" for field in Event._fields)).split()
    return Kind(name, tuple(columns), frozenset(words.split()), exact)


EVENT = Kind("event", ("position", *Event._fields))
KINDS = (
    _kind("claim", "bucket source id partition position"),
    _kind("cursor", "flow partition position", "flow", exact=False),
    _kind("subscription", "flow type before", "flow"),
    _kind(
        "handling",
        "flow partition position generation state attempts at_us duration_us handler flow_version error superseded",
        "flow handler flow_version",
    ),
    _kind("failed_attempt", "flow partition position generation attempt at_us duration_us error frame", "flow"),
    _kind(
        "held",
        "flow partition position generation key_hash state attempts due_us held_us error detail overtaken *",
        "flow",
    ),
    _kind("state", "tbl key version value", "tbl"),
    _kind("counter", "tbl key value", "tbl"),
    _kind(
        "delivery",
        "id flow partition position generation key_hash event_id correlation trace system operation step "
        "idempotency_key state attempts due_us created_us body",
        exact=False,
    ),
    _kind("delivery_attempt", "delivery_id attempt at_us duration_us status error"),
    _kind("answer", "scope fingerprint epoch at_us expires_us status content_type body"),
    _kind("refusal", "hour_us code contract source pointer total first_us last_us"),
    _kind("start", "epoch at_us release estate estate_hash settings_hash"),
    _kind("schema_content", "context id fingerprint type text refs metadata"),
    _kind("schema_version", "subject version context id deleted"),
    _kind("schema_reference", "subject version context id"),
    _kind("schema_setting", "kind scope value"),
)


class ArchiveMeta(NamedTuple):
    """What holds for the whole store."""

    partitions: int
    hash_name: str
    secret: bytes
    epoch: int
    schema_revision: int


class Places:
    """Where the events of each partition are: eight bytes an event."""

    def __init__(self, partitions: int) -> None:
        self._positions = [array("q") for _ in range(partitions)]

    def add(self, partition: int, position: int) -> None:
        """In order."""
        self._positions[partition].append(position)

    def ordinal(self, partition: int, position: int, *, exact: bool) -> int:
        """How many events the partition has up to the position. StorageCorrupt when there must be one and is none."""
        found = bisect_right(self._positions[partition], position)
        if exact and (not found or self._positions[partition][found - 1] != position):
            raise StorageCorrupt(f"A row refers to position {position} of partition {partition}: no event is there.")
        return found

    def position(self, partition: int, ordinal: int) -> int:
        return self._positions[partition][ordinal - 1] if ordinal else 0

    @property
    def counts(self) -> list[int]:
        return list(map(len, self._positions))


class Digest:
    """Count and checksum of the rows of one kind, in whatever order they come: the sum of their SHA-256.

    Of what Python writes for integers, texts and bytes, which is one text for one value.
    """

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.count += 1
            self._sum += int.from_bytes(sha256(repr(row).encode()).digest(), "big")

    @property
    def checksum(self) -> str:
        """As hexadecimal text."""
        return f"{self._sum % (1 << 256):064x}"


MOVED, LEAVING = "moved", "leaving"  # names in a store's metadata; their value is the place, for people


def refuse_moved(meta: Mapping[str, str], *, leaving: bool = False) -> None:
    """SettingInvalid for a store whose contents were carried elsewhere, or are about to be, except to who is `leaving`
    with them: two owners would each do the work."""
    if MOVED in meta:
        raise moved(meta[MOVED])
    if LEAVING in meta and not leaving:
        raise SettingInvalid(
            f"A move of this store to {meta[LEAVING]} broke off at its very end.",
            next_step="Finish it by the same interlock migrate --to … once more, or take it back: interlock migrate "
            "--stay",
        )


def moved(place: str) -> SettingInvalid:
    return SettingInvalid(
        f"This store was moved to {place}.",
        next_step="Set the group [stores] of interlock.toml to that place. To come back: interlock migrate --to …",
    )
