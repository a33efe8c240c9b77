"""RecordReader on one SQLite file, read-only: also while an engine in another process writes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import apsw
import orjson

from interlock.adapters.sqlite import sql
from interlock.adapters.sqlite.file import connect_reader, fetch, scalar, translated
from interlock.model.carried import Carried
from interlock.model.event import Stored
from interlock.model.handling import HandlingState
from interlock.model.hashing import KeyHasher
from interlock.model.lookup_segment import WIDTH, candidates, chunks, id_hash, matches
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
from interlock.ports.record_reader import FlowSum


class SqliteReader:
    """Each question is one read snapshot at most; none is held between questions, so checkpoints can run."""

    def __init__(self, path: str | Path) -> None:
        """NotFound when there is no store, or something else; SettingInvalid when this user may not read it;
        FormatUnsupported for a store that no engine of this release has opened yet."""
        refuse_unreadable(Path(path))
        try:
            with translated():
                self._connection = connect_reader(str(path))
                secret = scalar(self._connection, "SELECT value FROM meta WHERE name = 'secret'")
                found = scalar(self._connection, "SELECT value FROM meta WHERE name = 'format'")
                self.moved_to: str | None = scalar(self._connection, "SELECT value FROM meta WHERE name = 'moved'")
        except Problem as problem:
            raise refused(path, problem) from problem
        if not isinstance(secret, bytes):
            raise no_store(path)
        if found != sql.FORMAT:
            self._connection.close()
            raise FormatUnsupported(
                f"{path} has format {found}, this release reads {sql.FORMAT}.",
                next_step="Start the estate once with this release: it brings older stores up to date.",
            )
        self._hasher = KeyHasher(secret)

    async def find_events(self, term: str) -> list[Stored]:
        digest = self._hasher.digest(term)
        with translated():
            places = sorted(set(self._sealed(term, digest)) | set(self._unsealed(term, digest)))
            found = [self._event(position) for position in places]
        return [entry for entry in found if entry is not None and matches(entry.event, term, digest)]

    def _sealed(self, term: str, digest: bytes) -> Iterator[int]:
        wanted = {id_hash(term), int.from_bytes(digest[:WIDTH], "little")}
        for first, hashes, offsets in self._connection.execute("SELECT first, hashes, offsets FROM segment"):
            yield from candidates(first, hashes, offsets, wanted)

    def _unsealed(self, term: str, digest: bytes) -> Iterator[int]:
        sealed = scalar(self._connection, "SELECT max(last) FROM segment") or 0
        for position, event_id, correlation, business in self._connection.execute(sql.TAIL, (sealed,)):
            if term in (event_id, correlation) or digest in chunks(business):
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
