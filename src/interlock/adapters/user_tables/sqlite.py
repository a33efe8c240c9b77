"""The outbox in a SQLite file of the application, which goes on writing to it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from interlock.adapters.user_tables import outbox_sql as sql
from interlock.adapters.user_tables.bounds import Bounds
from interlock.adapters.user_tables.leading import another_estate, stands_by
from interlock.adapters.user_tables.own_thread import BlockingTable, OwnThread
from interlock.adapters.user_tables.rows import figures_of, refused_of, row_of
from interlock.model.problems import Problem, SettingInvalid, StorageFull, StorageUnavailable
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, OutboxRow, RefusedRow

BUSY_MS = 5_000


class SqliteOutbox(OwnThread["SqliteTable"]):
    """See OutboxSource. The file must be there: a wrong path makes no new one."""

    def __init__(
        self, path: Path, table: str = sql.DEFAULT_TABLE, bounds: Bounds | None = None, *, estate: str = ""
    ) -> None:
        super().__init__(SqliteTable(path, table, bounds or Bounds(), estate))


class SqliteTable(BlockingTable):
    """The lead is a lock on a file beside the database: it ends with the process that holds it, and needs no clock. The
    file names the estate that leads."""

    def __init__(self, path: Path, table: str, bounds: Bounds, estate: str) -> None:
        self._estate = estate
        self._path = path
        self._table = sql.checked(table)
        self._bounds = bounds
        self._lock = path.with_name(f"{path.name}-{sql.channel(table)}.lock")
        self._held: int | None = None
        self._connection: apsw.Connection | None = None

    def lead(self) -> None:
        with self._translated():
            self._check(self._open())
        if self._held is None:
            self._held = self._locked()

    def read(self, limit: int) -> Sequence[OutboxRow]:
        with self._translated():
            statement = sql.waiting_rows("sqlite", self._table, "?")
            bindings = (self._bounds.row_bytes, limit, self._bounds.limit_bytes)
            return [row_of(row) for row in self._open().execute(statement, bindings)]

    def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        places = json.dumps([row.place for row in published])
        with self._translated():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            with connection:  # a savepoint in it: what fails is undone
                gone = f"DELETE FROM {self._table} WHERE seq IN (SELECT value FROM json_each(?))"  # noqa: S608 - checked
                connection.execute(gone, (places,))
                for row, code, reason in refused:
                    connection.execute(sql.set_aside(self._table, "?"), (code, reason, row.place))
            connection.execute("COMMIT")

    def inspect(self) -> OutboxFacts:
        connection = self._open()
        with self._translated():
            self._check(connection)
        found = self._path.stat()
        return OutboxFacts(f"{found.st_dev} {found.st_ino} {self._table}")

    def figures(self) -> OutboxFigures:
        with self._translated():
            return figures_of(self._open().execute(sql.figures("sqlite", self._table)).fetchall()[0])

    def refused(self, limit: int) -> Sequence[RefusedRow]:
        with self._translated():
            found = self._open().execute(sql.refused_rows("sqlite", self._table, "?"), (limit,))
            return [refused_of(row) for row in found]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._held is not None:
            os.close(self._held)
            self._held = None

    def _open(self) -> apsw.Connection:
        if self._connection is not None:
            return self._connection
        if not self._path.is_file():
            raise SettingInvalid(
                f"There is no database {self._path}.",
                next_step="Correct the path in the variable that dsn names; the application makes the file.",
            )
        with self._translated():
            connection = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READWRITE)
            connection.set_busy_timeout(BUSY_MS)
            try:
                connection.execute(sql.probe(self._table))
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return connection

    def _check(self, connection: apsw.Connection) -> None:
        """SQLite opens a file that we may not write to for reading."""
        if connection.readonly("main"):
            raise apsw.ReadOnlyError("attempt to write a readonly database")

    def _locked(self) -> int:
        held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            leader = os.pread(held, 4096, 0).decode(errors="replace")
            os.close(held)
            told = f"{self._table} of {self._path}"
            raise (stands_by(told) if leader in ("", self._estate) else another_estate(told)) from error
        os.ftruncate(held, 0)
        os.pwrite(held, self._estate.encode(), 0)
        return held

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Driver errors become problems; a transaction that was under way is undone."""
        try:
            yield
        except (apsw.Error, OSError) as error:
            connection = self._connection
            if connection is not None and connection.in_transaction:
                connection.execute("ROLLBACK")
            raise self._problem(error) from error

    def _problem(self, error: Exception) -> Problem:
        told = f"{self._table} of {self._path}"
        if isinstance(error, apsw.SQLError):  # no such table, no such column
            return SettingInvalid(
                f"{told} is not as an outbox should be: {error}.",
                next_step="Make it with what this prints: interlock outbox ddl --dialect sqlite",
            )
        if isinstance(error, apsw.ReadOnlyError | apsw.PermissionsError | apsw.CantOpenError | apsw.NotADBError):
            return SettingInvalid(
                f"{told} cannot be used: {type(error).__name__}.",
                next_step="The engine's user needs to write the file and its folder.",
            )
        if isinstance(error, apsw.FullError):
            return StorageFull(f"No room on the disk of {self._path}.")
        return StorageUnavailable(f"{told} does not answer: {type(error).__name__}.")
