"""Upkeep of the lookup index: stretches of the log that are complete get their row of hashes."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.adapters.postgres import record_sql
from interlock.adapters.postgres.questions import Questions
from interlock.model.lookup_segment import SEAL_EVENTS, Segment

SEGMENTS_AT_ONCE = 4


class Sealing:
    """Any process may do it, several at once too: a stretch always begins where the one before ended."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        self._sealed: dict[int, int] | None = None

    async def seal(self, heads: Sequence[int]) -> None:
        """A few stretches at most, so that no single call takes long."""
        left = SEGMENTS_AT_ONCE
        if self._sealed is None:
            self._sealed = await self._last()
        for partition, head in enumerate(heads):
            while left and head - self._sealed.get(partition, 0) >= SEAL_EVENTS:
                await self._seal_one(partition, self._sealed.get(partition, 0) + 1)
                self._sealed = await self._last()
                left -= 1

    async def _last(self) -> dict[int, int]:
        return dict(await self._questions.all(record_sql.SEALED))

    async def _seal_one(self, partition: int, first: int) -> None:
        entries = await self._questions.all(record_sql.ENTRIES, (partition, first, first + SEAL_EVENTS - 1))
        segment = Segment(first)
        segment.add(entries)
        segment.last = first + SEAL_EVENTS - 1  # positions of a log elsewhere have gaps
        await self._questions.all(record_sql.SEAL, (partition, *segment.row()))
