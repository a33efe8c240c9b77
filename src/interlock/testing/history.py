"""What clients did and were told, one operation a line: the evidence that a checker judges (Jepsen's histories)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, TextIO

Phase = Literal["invoke", "ok", "fail", "info"]


class Op(NamedTuple):
    """One line. An operation is invoked once, and ends when it is known what became of it.

    phase   "invoke": about to be sent; "ok": acknowledged; "fail": refused, it certainly did not happen; "info": no
            answer, it may have happened. After an info the same operation may be sent again, and be ok in the end.
    act     what kind of operation; `id` is unique within it
    line    operations of one line are sent one after the other, so that their order is known; "" without order
    data    the answer, or whatever helps the reader
    """

    at_us: int  # of any clock that only goes forward
    process: str
    phase: Phase
    act: str
    id: str
    line: str = ""
    data: Any = None


class History:
    """Kept in memory and, as JSON lines, in `file`: what was written before a failure stays readable."""

    def __init__(self, file: TextIO | None = None) -> None:
        self._ops: list[Op] = []
        self._file = file

    def add(self, op: Op) -> None:
        self._ops.append(op)
        if self._file is not None:
            self._file.write(json.dumps(op._asdict()) + "\n")

    def __iter__(self) -> Iterator[Op]:
        return iter(self._ops)

    def __len__(self) -> int:
        return len(self._ops)

    @classmethod
    def of(cls, ops: Iterable[Op]) -> History:
        made = cls()
        for op in ops:
            made.add(op)
        return made

    @classmethod
    def read(cls, path: Path) -> History:
        """A history that was kept as JSON lines."""
        with path.open() as lines:
            return cls.of(Op(**json.loads(line)) for line in lines)
