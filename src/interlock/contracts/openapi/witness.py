"""A value that shows a breaking change: valid for the giver, invalid for the taker, at the schema where it stands."""

from __future__ import annotations

from typing import Any

from interlock.contracts.openapi.meeting import Note
from interlock.contracts.openapi.schema_node import Side
from interlock.contracts.pointer import ABSENT


class Witness:
    def __init__(self, side: Side) -> None:
        self._side = side

    def of(self, note: Note) -> Any:
        return ABSENT
