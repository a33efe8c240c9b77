"""From stored rows to the values of the model. Part of the storage formats: columns stand in field order."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from interlock.model.event import Event, Stored
from interlock.model.handling import HandlingState
from interlock.model.problems import StorageCorrupt
from interlock.model.record import DeliveryRow, DeliveryState, HandlingRow, Held, Tally

Row = tuple[Any, ...]


def stored_row(row: Row) -> Stored:
    """A row of position, event and CRC-32. An altered body must not be handled as if it were what was accepted."""
    if crc32(row[15]) != row[16]:
        raise StorageCorrupt(f"The body of the event at position {row[0]} is not what was written.")
    return Stored(row[0], Event._make(row[1:16]))


def held_row(row: Row, flow: str) -> Held:
    """A row of `held`, whose event columns follow its own twelve."""
    return Held._make((flow, *row[1:5], HandlingState(row[5]), *row[6:11], bool(row[11]), Event._make(row[12:])))


def delivery_row(row: Row) -> DeliveryRow:
    return DeliveryRow._make((*row[:13], DeliveryState(row[13]), *row[14:], None))


def handling_row(row: Row) -> HandlingRow:
    return HandlingRow._make((*row[:4], HandlingState(row[4]), *row[5:]))


def tally_row(row: Row) -> Tally:
    return Tally(row[0], HandlingState(row[1]), row[2])
