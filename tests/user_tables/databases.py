"""Fresh databases of each dialect with an outbox, as an application of the user's own has them."""

from __future__ import annotations

import secrets
import sqlite3
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import apsw
import mariadb
import postgres
import psycopg
import pymysql

from interlock.adapters.user_tables.bounds import Bounds
from interlock.adapters.user_tables.logical import LogicalOutbox
from interlock.adapters.user_tables.mysql import MysqlOutbox
from interlock.adapters.user_tables.outbox_sql import Dialect, ddl
from interlock.adapters.user_tables.postgres import PostgresOutbox
from interlock.adapters.user_tables.sqlite import SqliteOutbox
from interlock.ports.outbox_source import OutboxSource
from interlock.testing.postgres_server import new_database

KINDS = ("sqlite", "postgres", "mysql")
Kind = Literal["sqlite", "postgres", "mysql"]


class Database:
    """`dsn` is what `sources/*.toml` refers to: for SQLite the file's path."""

    def __init__(self, kind: Dialect, dsn: str, table: str = "interlock_outbox") -> None:
        self.kind = kind
        self.dsn = dsn
        self.table = table
        # Two SQLite libraries in one process do not see each other's locks, and one would delete the other's log.
        self.library: Any = apsw

    def connect(self, autocommit: bool = True) -> Any:
        """Of the plainest driver: statements by `execute` on a cursor or connection."""
        if self.kind == "postgres":
            return psycopg.connect(self.dsn, autocommit=autocommit)
        if self.kind == "mysql":
            return mysql_connection(self.dsn, autocommit)
        if self.library is sqlite3:
            return sqlite3.connect(self.dsn, isolation_level=None)
        if self.library is sqlite3:
            return sqlite3.connect(self.dsn, isolation_level=None)
        return apsw.Connection(self.dsn)

    def run(self, *statements: str) -> list[Any]:
        """Each committed; the rows of the last one."""
        connection = self.connect()
        found: list[Any] = []
        for statement in statements:
            if self.kind == "mysql":
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    found = list(cursor.fetchall())
            else:
                cursor = connection.execute(statement)
                found = list(cursor) if self.kind == "sqlite" or cursor.description else []
        connection.close()
        return found

    def source(self, bounds: Bounds | None = None) -> OutboxSource:
        if self.kind == "postgres":
            return PostgresOutbox(self.dsn, self.table, bounds)
        if self.kind == "mysql":
            return MysqlOutbox(self.dsn, self.table, bounds)
        return SqliteOutbox(Path(self.dsn), self.table, bounds)

    def insert(self, event_id: str, data: str, event_type: str = "orders.OrderPlaced", **columns: str) -> str:
        """The statement, for data without quotes; not committed here."""
        values = {"id": event_id, "type": event_type, "data": data, **columns}
        quoted = ", ".join(f"'{value}'" for value in values.values())
        return f"INSERT INTO {self.table} ({', '.join(values)}) VALUES ({quoted})"


class LogicalDatabase(Database):
    """With a slot of its own on a server that has logical decoding."""

    def __init__(self, dsn: str) -> None:
        super().__init__("postgres", dsn)
        self.slot = f"s_{secrets.token_hex(6)}"

    def source(self, bounds: Bounds | None = None) -> OutboxSource:
        return LogicalOutbox(self.dsn, self.table, bounds, slot=self.slot)


def mysql_connection(dsn: str, autocommit: bool = True) -> Any:
    parts = urlsplit(dsn)
    return pymysql.connect(
        user=parts.username or "",
        database=parts.path[1:],
        unix_socket=parse_qs(parts.query)["unix_socket"][0],
        autocommit=autocommit,
        charset="utf8mb4",
    )


def new(kind: str, folder: Path, *, table: bool = True) -> Database:
    """A database of its own; with `table`, the outbox is made in it."""
    if kind == "postgres":
        made = Database("postgres", new_database(postgres.server()))
    elif kind == "mysql":
        made = Database("mysql", mariadb.server().new_database())
    else:
        made = Database("sqlite", str(folder / f"app-{secrets.token_hex(4)}.db"))
        made.run("PRAGMA journal_mode = WAL")
    if table:
        made.run(*ddl(made.kind))
    return made


def new_logical(dsn: str) -> LogicalDatabase:
    made = LogicalDatabase(dsn)
    made.run(*ddl("postgres", slot=made.slot))
    return made
