"""How far one flow is in one partition."""

from __future__ import annotations


class Lane:
    """Cursor plus exceptions. `through` is how far the partition was read; `outstanding` are the positions taken
    whose commit is not done. The cursor never passes one of those, so a crash hands them out again.
    """

    __slots__ = ("dirty", "marked", "outstanding", "partition", "saved", "through")

    def __init__(self, partition: int, cursor: int, marked: set[int]) -> None:
        self.partition = partition
        self.through = cursor
        self.saved = cursor
        self.marked = marked  # handled beyond the cursor before this start
        self.outstanding: dict[int, None] = {}  # insertion order is position order
        self.dirty = True

    def take(self, position: int) -> bool:
        """Whether the position is still to be handled."""
        if self.marked and position in self.marked:
            self.marked.discard(position)
            return False
        self.outstanding[position] = None
        return True

    def settle(self, position: int) -> None:
        self.outstanding.pop(position, None)

    @property
    def cursor(self) -> int:
        for first in self.outstanding:
            return first - 1
        return self.through
