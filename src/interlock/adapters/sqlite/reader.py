"""RecordReader on one SQLite file, read-only: also while an engine in another process writes it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import orjson

from interlock.adapters.sqlite import sql
from interlock.adapters.sqlite.file import connect_reader, fetch, refuse_format, scalar, translated
from interlock.model.archive import MOVED
from interlock.model.carried import Carried
from interlock.model.event import Stored
from interlock.model.handling import HandlingState
from interlock.model.hashing import KeyHasher
from interlock.model.lookup_segment import Wanted, candidates, id_hash
from interlock.model.migration import Standing
from interlock.model.problems import FormatUnsupported, NotFound, Problem, SettingInvalid
from interlock.model.record import (
    DeliveryAttempt,
    DeliveryRow,
    DeliveryState,
    FailedAttempt,
    HandlingRow,
    Held,
    RefusalRow,
    StartRow,
    Tally,
)
from interlock.model.storage_rows import delivery_row, handling_row, held_row, stored_row, tally_row
from interlock.ports.log_index import Identity
from interlock.ports.record_reader import FlowSum

SEGMENTS_AT_ONCE = 16


class SqliteReader:
    """Each question is one read snapshot at most; none is held between questions, so checkpoints can run."""

    def __init__(self, path: str | Path) -> None:
        """NotFound when there is no store, or something else; SettingInvalid when this user may not read it;
        FormatUnsupported for a store that no engine of this release has opened yet."""
        refuse_unreadable(Path(path))
        try:
            with translated():
                self._connection = connect_reader(str(path))
                meta = dict(fetch(self._connection, "SELECT name, value FROM meta"))
                self.moved_to: str | None = meta.get(MOVED)
        except Problem as problem:
            raise refused(path, problem) from problem
        if not isinstance(meta.get("secret"), bytes):
            raise no_store(path)
        try:
            refuse_format(path, Standing.of(meta))
        except FormatUnsupported:
            self._connection.close()
            raise
        self._hasher = KeyHasher(meta["secret"])

    async def find_events(self, *terms: str) -> list[Stored]:
        """The tail is read before the segments: what is sealed between the two is found twice, not missed."""
        wanted = Wanted(terms, self._hasher)
        with translated():
            places = sorted({*self._unsealed(wanted), *await self._sealed(wanted.hashes)})
            found = [self._event(position) for position in places]
        return [entry for entry in found if entry is not None and wanted.matches(entry.event)]

    async def recorded(self, identities: Collection[Identity]) -> set[Identity]:
        wanted = set(identities)
        ids = {event_id for _, event_id in wanted}
        found = set(self._all(sql.TAIL_IDENTITIES, (orjson.dumps(list(ids)).decode(),)))
        places = await self._sealed({id_hash(one) for one in ids})
        found.update(self._all(sql.IDENTITIES_AT, (orjson.dumps(places).decode(),)))
        return wanted & found

    async def _sealed(self, hashes: set[int]) -> list[int]:
        """A few segments at a time: an engine in this process goes on in between, and no snapshot is held for long."""
        places: list[int] = []
        last = 0
        while segments := self._all(sql.SEGMENTS, (last, SEGMENTS_AT_ONCE)):
            for first, hashed, offsets in segments:
                places += candidates(first, hashed, offsets, hashes)
            last = segments[-1][0]
            await asyncio.sleep(0)
        return places

    def _unsealed(self, wanted: Wanted) -> Iterator[int]:
        sealed = scalar(self._connection, "SELECT max(last) FROM segment") or 0
        for position, *names in self._connection.execute(sql.TAIL, (sealed,)):
            if wanted.named(*names):
                yield position

    def _event(self, position: int) -> Stored | None:
        found = self._connection.execute(sql.READ_ONE, (position,)).fetchone()
        return stored_row(found) if found else None

    async def handlings_of(self, partition: int, position: int) -> list[HandlingRow]:
        return [handling_row(row) for row in self._all(sql.HANDLINGS_OF, (partition, position))]

    async def failures_of(self, partition: int, position: int) -> list[FailedAttempt]:
        return [FailedAttempt(*row) for row in self._all(sql.FAILURES_OF, (partition, position))]

    async def deliveries_of(self, partition: int, position: int) -> list[DeliveryRow]:
        return [delivery_row(row) for row in self._all(sql.DELIVERIES_OF, (partition, position))]

    async def attempts_of(self, delivery_id: str) -> list[DeliveryAttempt]:
        return [DeliveryAttempt(*row) for row in self._all(sql.ATTEMPTS_OF, (delivery_id,))]

    async def find_delivery(self, delivery_id: str) -> DeliveryRow | None:
        found = self._all(sql.DELIVERY_ONE, (delivery_id,))
        return delivery_row(found[0]) if found else None

    async def carried(self) -> list[Carried]:
        return [Carried(*row) for row in self._all(sql.CARRIED, ())]

    async def delivery_counts(self) -> dict[str, int]:
        found = dict(self._all(sql.DELIVERY_TALLIES, ()))
        return {state.name.lower(): found.get(state, 0) for state in DeliveryState}

    async def dead_letters(self, flow: str | None, limit: int) -> list[Held]:
        names = dict(self._all(sql.NAMES, ()))
        number = next((key for key, text in names.items() if text == flow), 0) if flow else None
        return [held_row(row, names[row[0]]) for row in self._all(sql.DEAD_LETTERS, (number, limit))]

    async def dead_deliveries(self, limit: int) -> list[DeliveryRow]:
        return [delivery_row(row) for row in self._all(sql.DELIVERIES_DEAD, (limit,))]

    async def values(self, table: str, after: str, limit: int) -> list[tuple[str, bytes]]:
        return [(key, value) for key, value in self._all(sql.VALUES_OF, (table, after, limit))]

    async def unpublished(self) -> int:
        return 0

    async def cursor(self, flow: str, partition: int) -> int | None:
        found = self._all(sql.CURSOR_OF, (flow, partition))
        return int(found[0][0]) if found else None

    async def starts(self) -> list[StartRow]:
        return [StartRow(*row) for row in self._all(sql.STARTS, ())]

    async def refusals(self) -> list[RefusalRow]:
        return [RefusalRow(*row) for row in self._all(sql.REFUSALS, ())]

    async def sums(self, flows: dict[str, Sequence[str]]) -> list[FlowSum]:
        """In one snapshot, so that a running engine cannot make them differ."""
        numbers = {text: key for key, text in self._all(sql.NAMES, ())}
        with translated(), self._connection:  # a savepoint: one read snapshot
            totals: dict[str, int] = dict(fetch(self._connection, sql.TYPE_TALLIES))
            sums = [self._sum(flow, numbers.get(flow, 0), totals) for flow in flows]
        return sums  # noqa: RET504 - not inside the snapshot

    def _sum(self, flow: str, number: int, totals: dict[str, int]) -> FlowSum:
        before: dict[str, int] = dict(fetch(self._connection, sql.BEFORE_OF, (number,)))
        accepted = sum(totals.get(name, 0) - count if count >= 0 else -1 - count for name, count in before.items())
        taken = [name for name, count in before.items() if count >= 0]
        pending = scalar(self._connection, sql.PENDING_EVENTS, (number, orjson.dumps(taken).decode()))
        states: dict[int, int] = dict(fetch(self._connection, sql.ROW_TALLIES, (number,)))
        return FlowSum(
            flow,
            accepted,
            pending,
            states.get(HandlingState.PARKED, 0),
            states.get(HandlingState.DONE, 0),
            states.get(HandlingState.SKIPPED, 0),
            states.get(HandlingState.DEAD, 0),
            states.get(HandlingState.DISCARDED, 0),
        )

    async def tallies(self) -> list[Tally]:
        return [tally_row(row) for row in self._all(sql.TALLIES, ())]

    async def close(self) -> None:
        self._connection.close()

    def _all(self, statement: str, bindings: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        with translated():
            return fetch(self._connection, statement, bindings)


def refuse_unreadable(path: Path) -> None:
    """Before SQLite does, which would say less: it knows only that it is unable to open."""
    try:
        if not path.exists():
            raise NotFound(f"No store at {path}.", next_step="Start the engine once: interlock dev")
        if not path.is_file():
            raise no_store(path)
        path.open("rb").close()
    except OSError as error:
        raise cannot_read(path, str(error.strerror)) from error


def refused(path: str | Path, problem: Problem) -> Problem:
    """What a failed first question says about the file; the problem itself where it says something else."""
    cause = problem.__cause__
    if isinstance(cause, apsw.NotADBError | apsw.SQLError):  # SQLError: a database without our table
        return no_store(path)
    if isinstance(cause, apsw.CantOpenError | apsw.ReadOnlyError | apsw.PermissionsError):
        return cannot_read(path, str(cause))
    return problem


def no_store(path: str | Path) -> NotFound:
    return NotFound(
        f"{path} is no Interlock store.",
        next_step="Name the file of stores.path in interlock.toml; if this is that file, restore the last backup.",
    )


def cannot_read(path: str | Path, reason: str) -> SettingInvalid:
    return SettingInvalid(
        f"{path} cannot be opened: {reason[:1].lower()}{reason[1:]}.",
        next_step="Run this as the user that runs the engine, or name another file.",
    )
