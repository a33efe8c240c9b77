"""The outbox in a MySQL or MariaDB database, through PyMySQL."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pymysql
from pymysql.constants import ER

from interlock.adapters.user_tables import outbox_sql as sql
from interlock.adapters.user_tables.bounds import ANSWER_SECONDS, CONNECT_SECONDS, Bounds
from interlock.adapters.user_tables.leading import LOOKS, PAUSE_SECONDS, another_estate, stands_by
from interlock.adapters.user_tables.own_thread import BlockingTable, OwnThread
from interlock.adapters.user_tables.rows import figures_of, refused_of, row_of
from interlock.model.problems import Problem, SettingInvalid, StorageFull, StorageUnavailable
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, OutboxRow, RefusedRow

# What no waiting mends: who we are, what there is, what we may.
_SETTINGS = {
    ER.ACCESS_DENIED_ERROR: "wrong user or password",
    ER.DBACCESS_DENIED_ERROR: "this user may not use the database",
    ER.BAD_DB_ERROR: "there is no such database",
    ER.TABLEACCESS_DENIED_ERROR: "this user needs SELECT, UPDATE and DELETE on the table",
    ER.COLUMNACCESS_DENIED_ERROR: "this user needs SELECT, UPDATE and DELETE on the table",
}
_TABLE = {ER.NO_SUCH_TABLE: "there is no such table", ER.BAD_FIELD_ERROR: "a column is missing"}
_FACTS = (
    "SELECT engine, @@global.innodb_flush_log_at_trx_commit, concat_ws(' ', @@hostname, @@port, @@datadir, "
    "table_schema, table_name) FROM information_schema.tables "
    "WHERE table_schema = coalesce(%s, database()) AND table_name = %s"
)
_FULL = {ER.RECORD_FILE_FULL, ER.DISK_FULL}


def connect_arguments(dsn: str) -> dict[str, Any]:
    """Of mysql://user:password@host:3306/database?unix_socket=/path&ssl_ca=/file. SettingInvalid for anything else."""
    try:
        parts = urlsplit(dsn)
        port = parts.port or 3306
    except ValueError:
        parts, port = urlsplit(""), 0
    database = unquote(parts.path.lstrip("/"))
    if parts.scheme not in ("mysql", "mariadb") or not database:
        raise SettingInvalid(
            "The connection string is none of MySQL or MariaDB.",
            next_step="Write it as mysql://user:password@host:3306/database",
        )
    arguments: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": database,
    }
    asked = parse_qs(parts.query)
    return arguments | {name: asked[name][0] for name in ("unix_socket", "ssl_ca") if name in asked}


class MysqlOutbox(OwnThread["MysqlTable"]):
    """See OutboxSource."""

    def __init__(
        self, dsn: str, table: str = sql.DEFAULT_TABLE, bounds: Bounds | None = None, *, estate: str = ""
    ) -> None:
        super().__init__(MysqlTable(dsn, table, bounds or Bounds(), estate))


class MysqlTable(BlockingTable):
    """The lead is GET_LOCK: it ends with the session. `dsn` holds a password, perhaps: it is never shown."""

    def __init__(self, dsn: str, table: str, bounds: Bounds, estate: str) -> None:
        self._estate = estate
        self._arguments = connect_arguments(dsn)
        self._table = sql.checked(table)
        self._bounds = bounds
        self._place = f"{table} of {self._arguments['database']} at {self._arguments['host']}"
        self._connection: pymysql.Connection[Any] | None = None
        self._leads = False

    def lead(self) -> None:
        if self._leads:
            self.close()
        with self._translated():
            self._check()
            self._take()
        self._leads = True

    def _take(self) -> None:
        """See `leading`. What is not led is given up with the session."""
        try:
            if not self._locked(f"{self._table} of {self._estate}"):
                raise stands_by(self._place)
            for _ in range(LOOKS):
                if self._locked(self._table):
                    return
                time.sleep(PAUSE_SECONDS)
            raise another_estate(self._place)
        except Problem:
            self.close()
            raise

    def _locked(self, what: str) -> bool:
        """By the schema that the server resolved; a name of a lock has at most 64 characters."""
        got = self._ask("SELECT get_lock(concat('interlock.', sha1(concat(database(), '.', %s))), 0)", what)
        return bool(got[0][0] == 1)

    def read(self, limit: int) -> Sequence[OutboxRow]:
        statement = sql.waiting_rows("mysql", self._table, "%s")
        with self._translated():
            found = self._ask(statement, self._bounds.row_bytes, limit, self._bounds.limit_bytes)
            return [row_of(row) for row in found]

    def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        with self._translated():
            connection = self._open()
            connection.begin()
            with connection.cursor() as cursor:
                if published:
                    gone = f"DELETE FROM {self._table} WHERE seq IN %s"
                    cursor.execute(gone, ([row.place for row in published],))
                for row, code, reason in refused:
                    cursor.execute(sql.set_aside(self._table, "%s"), (code, reason, row.place))
            connection.commit()

    def inspect(self) -> OutboxFacts:
        with self._translated():
            self._check()
            ((engine, flush, place),) = self._ask(_FACTS, *self._named())
        broken = [] if engine == "InnoDB" else [f"its engine {engine} knows no transactions: what is rolled back stays"]
        weak = [] if flush == 1 else [f"innodb_flush_log_at_trx_commit is {flush}: a crash loses the last commits"]
        return OutboxFacts(place, broken, weak)

    def figures(self) -> OutboxFigures:
        with self._translated():
            return figures_of(self._ask(sql.figures("mysql", self._table))[0])

    def refused(self, limit: int) -> Sequence[RefusedRow]:
        with self._translated():
            return [refused_of(row) for row in self._ask(sql.refused_rows("mysql", self._table, "%s"), limit)]

    def close(self) -> None:
        connection, self._connection, self._leads = self._connection, None, False
        if connection is not None and connection.open:
            try:
                connection.close()
            except pymysql.MySQLError:
                return

    def _check(self) -> None:
        """Raise for a database that cannot serve: the driver's error."""
        for statement in sql.rights(self._table):
            self._ask(statement)

    def _named(self) -> tuple[str | None, str]:
        """Schema, or None for the one that we are connected to, and name."""
        schema, _, name = self._table.rpartition(".")
        return schema or None, name

    def _ask(self, statement: str, *bindings: Any) -> Sequence[Any]:
        with self._open().cursor() as cursor:
            cursor.execute(statement, bindings or None)
            found: Sequence[Any] = cursor.fetchall()
            return found

    def _open(self) -> pymysql.Connection[Any]:
        if self._connection is not None:
            return self._connection
        made = pymysql.connect(
            **self._arguments,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            write_timeout=ANSWER_SECONDS,
            program_name="interlock",
        )
        try:
            with made.cursor() as cursor:
                cursor.execute(sql.probe(self._table))
        except BaseException:
            made.close()
            raise
        self._connection = made
        return made

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Driver errors become problems. The connection is not used again: what it had under way is undone with it."""
        try:
            yield
        except (pymysql.MySQLError, OSError) as error:
            self.close()
            raise self._problem(error) from error

    def _problem(self, error: Exception) -> Problem:
        code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
        if code in _TABLE:
            return SettingInvalid(
                f"{self._place} is not as an outbox should be: {_TABLE[code]}.",
                next_step="Make it with what this prints: interlock outbox ddl --dialect mysql",
            )
        if code in _SETTINGS:
            return SettingInvalid(
                f"{self._place} refuses us: {_SETTINGS[code]}.",
                next_step="Correct the variable that dsn names, or GRANT what is missing.",
            )
        if code in _FULL:
            return StorageFull(f"No room on the disk of {self._place}.")
        number = f" {code}" if code else ""
        return StorageUnavailable(
            f"{self._place} does not answer: {type(error).__name__}{number}.",
            next_step="See whether the server runs and takes connections.",
        )
