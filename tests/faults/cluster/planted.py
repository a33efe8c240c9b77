"""`interlock` with a planted bug that only several processes, or their servers, bring to light: a test of the test.

python planted.py <bug> up <estate> ...
"""

from __future__ import annotations

import asyncio
import sys

from interlock.adapters.postgres import members_sql, sql
from interlock.adapters.postgres.batch import Batch
from interlock.adapters.postgres.members import Members
from interlock.adapters.postgres.store import PostgresStore
from interlock.adapters.postgres.transaction import Committed
from interlock.adapters.postgres.work import CommitWork
from interlock.cli.main import main
from interlock.flows.lane import Lane
from interlock.flows.relay import Relay
from interlock.model.event import Stored
from interlock.model.problems import Fenced
from interlock.ports.membership import Roster

WINDOW_SECONDS = 0.05
AHEAD_SECONDS = 300


def no_fence() -> None:
    """Whoever was away for too long goes on as if nothing had happened."""
    beat = Members.beat

    async def forgiving(self: Members, epoch: int) -> Roster:
        try:
            return await beat(self, epoch)
        except Fenced:
            return Roster((), {})

    Members.beat = forgiving  # type: ignore[method-assign]
    Batch.own = lambda self, epoch, partitions: None  # type: ignore[method-assign]
    CommitWork._fence = lambda self, known: None  # type: ignore[method-assign]
    sql.CURSOR_MOVE = sql.CURSOR_MOVE.replace(" AND c.epoch = m.epoch", "")


def cursor_first() -> None:
    """The cursor says what was read, not what was committed."""
    Lane.cursor = property(lambda self: self.through)  # type: ignore[method-assign, assignment]


def mark_before_publish() -> None:
    """The outbox forgets an event before the log has it."""

    async def eager(self: Relay) -> bool:
        rows = await self._outbox.waiting(self._partitions, 1024)
        if not rows:
            return False
        await self._outbox.published(rows)
        await asyncio.sleep(WINDOW_SECONDS)
        await self._append([row.event for row in rows])
        return True

    Relay.publish = eager  # type: ignore[method-assign]


def own_clock() -> None:
    """A lease ends by the clock of its member, which is ahead: others wait for who is lost as long as it is wrong."""
    mine = f"(clock_timestamp() + interval '{AHEAD_SECONDS} s')"
    for name in ("MEMBER_NEW", "MEMBER_BEAT"):
        setattr(members_sql, name, getattr(members_sql, name).replace("clock_timestamp()", mine))


def head_jumps() -> None:
    """An own commit moves the head beyond what others appended, also when that could not be read: it was so once."""

    async def committed(self: PostgresStore, found: Committed) -> None:
        parts: dict[int, list[Stored]] = {}
        for entry in found.stored:
            parts.setdefault(entry[1][0], []).append(entry)
        async with self._publishing:
            for partition, base in found.bases.items():
                if self._audience.follows(partition):
                    await self._fill(partition, base)
            fresh = [entry for entry in found.stored if entry[0] > self._heads[entry[1][0]]]
            for partition, entries in parts.items():
                self._keep(partition, [entry for entry in entries if entry[0] > self._heads[partition]])
            self._audience.tell(fresh)
        if found.stored and self._follower is not None:
            self._follower.ring()

    PostgresStore._committed = committed  # type: ignore[method-assign]


BUGS = {
    "none": lambda: None,
    "no-fence": no_fence,
    "cursor-first": cursor_first,
    "mark-before-publish": mark_before_publish,
    "head-jumps": head_jumps,
    "own-clock": own_clock,
}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
