"""The outbox table: a contract with every application that writes to it, the same in each dialect.

Columns are named as the attributes of CloudEvents. All values are text, so that any language, driver or trigger can
write them by one INSERT without casts.
"""

from __future__ import annotations

import re
from typing import Literal

Dialect = Literal["postgres", "sqlite", "mysql"]
DIALECTS: tuple[Dialect, ...] = ("postgres", "sqlite", "mysql")
DEFAULT_TABLE = "interlock_outbox"
NAME = r"^[a-z_][a-z0-9_]{0,47}(\.[a-z_][a-z0-9_]{0,47})?\Z"  # of a table, perhaps with its schema
ATTRIBUTES = (
    "id",
    "type",
    "source",
    "time",
    "subject",
    "dataschema",
    "partitionkey",
    "correlationid",
    "causationid",
    "traceparent",
)
COLUMNS = (*ATTRIBUTES, "data")
OURS = ("seq", "created_at", "refused", "reason")  # what the database and the relay fill

_POSTGRES = """
CREATE TABLE {table} (
    seq           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            text NOT NULL DEFAULT gen_random_uuid()::text,
    type          text NOT NULL,
    data          text NOT NULL,
    source        text,
    time          text,
    subject       text,
    dataschema    text,
    partitionkey  text,
    correlationid text,
    causationid   text,
    traceparent   text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    refused       text,
    reason        text
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_analyze_scale_factor = 1);
CREATE INDEX {index}_waiting ON {table} (seq) WHERE refused IS NULL;
"""
# The channel is named after the table without its schema.
_NOTIFY = """
CREATE FUNCTION {table}_notify() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_notify('{index}', ''); RETURN NULL; END $$;
CREATE TRIGGER {index}_notify AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_notify();
"""
_LOGICAL = """
CREATE PUBLICATION {slot};
SELECT pg_create_logical_replication_slot('{slot}', 'pgoutput');
"""
_SQLITE = """
CREATE TABLE {table} (
    seq           INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL DEFAULT (lower(hex(randomblob(16)))),
    type          TEXT NOT NULL,
    data          TEXT NOT NULL,
    source        TEXT,
    time          TEXT,
    subject       TEXT,
    dataschema    TEXT,
    partitionkey  TEXT,
    correlationid TEXT,
    causationid   TEXT,
    traceparent   TEXT,
    created_at    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
    refused       TEXT,
    reason        TEXT
);
CREATE INDEX {index}_waiting ON {table} (seq) WHERE refused IS NULL;
"""
_MYSQL = """
CREATE TABLE {table} (
    seq           BIGINT AUTO_INCREMENT PRIMARY KEY,
    id            VARCHAR(255) NOT NULL DEFAULT (uuid()),
    type          VARCHAR(1024) NOT NULL,
    data          LONGTEXT NOT NULL,
    source        VARCHAR(1024),
    time          VARCHAR(64),
    subject       VARCHAR(1024),
    dataschema    VARCHAR(1024),
    partitionkey  VARCHAR(1024),
    correlationid VARCHAR(1024),
    causationid   VARCHAR(1024),
    traceparent   VARCHAR(1024),
    created_at    DATETIME(6) NOT NULL DEFAULT (utc_timestamp(6)),
    refused       VARCHAR(64),
    reason        TEXT,
    KEY {index}_waiting (refused, seq)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin;
"""
_DDL: dict[Dialect, str] = {"postgres": _POSTGRES, "sqlite": _SQLITE, "mysql": _MYSQL}
_AGE: dict[Dialect, str] = {
    "postgres": "extract(epoch FROM clock_timestamp() - created_at)::float8",
    "sqlite": "(julianday('now') - julianday(created_at)) * 86400.0",
    "mysql": "timestampdiff(MICROSECOND, created_at, utc_timestamp(6)) / 1e6",
}


def ddl(
    dialect: Dialect, table: str = DEFAULT_TABLE, *, notify: bool = False, slot: str | None = None
) -> tuple[str, ...]:
    """The statements that make the table, for a migration. With `notify` or `slot` on PostgreSQL: for a trigger that
    wakes the relay, and for a slot that hands over what `pg_logical_emit_message` writes.

    ValueError for a name that is none, or for what a dialect has not.
    """
    if (notify or slot) and dialect != "postgres":
        raise ValueError(f"{dialect} has neither NOTIFY nor logical decoding")
    text = _DDL[dialect] + (_NOTIFY if notify else "") + (_LOGICAL if slot else "")
    filled = text.format(table=checked(table), index=channel(table), slot=slot)
    return tuple(f"{statement.strip()};" for statement in re.split(r";\n", filled) if statement.strip())


def checked(table: str) -> str:
    """The name itself: it goes into statements as it is. ValueError for one that is none."""
    if not re.match(NAME, table):
        raise ValueError(
            f"{table!r} is no table name: lower-case letters, digits and _, perhaps after a schema and a dot"
        )
    return table


def channel(table: str) -> str:
    """The table's name without its schema."""
    return table.rpartition(".")[2]


def waiting_rows(dialect: Dialect, table: str, mark: str) -> str:
    """The first rows that wait; binds row_bytes, limit and limit_bytes. `mark` stands for a bound value.

    Rows are taken because they are there, never by `seq > last`: a low number may be committed late. The running sum
    ends a read of large rows early; their data is not loaded to find that out.
    """
    # A text of SQLite may be no UTF-8; as bytes it can be read and refused.
    as_read = "CAST({} AS BLOB)" if dialect == "sqlite" else "{}"
    names = ", ".join(as_read.format(name) for name in ATTRIBUTES)
    data = as_read.format("data")
    return (
        f"SELECT seq, age, size, CASE WHEN size <= {mark} THEN {data} END, {names} FROM ("
        f"SELECT w.*, {_AGE[dialect]} AS age, octet_length(data) AS size, "
        "sum(octet_length(data)) OVER (ORDER BY seq) AS reached FROM ("
        f"SELECT * FROM {checked(table)} WHERE refused IS NULL ORDER BY seq LIMIT {mark}) AS w"
        f") AS sized WHERE reached - size < {mark} ORDER BY seq"
    )


def refused_rows(dialect: Dialect, table: str, mark: str) -> str:
    """The oldest rows that were set aside; binds the limit."""
    names = ", ".join(f"CAST({name} AS BLOB)" if dialect == "sqlite" else name for name in ATTRIBUTES)
    return (
        f"SELECT seq, {_AGE[dialect]}, octet_length(data), NULL, {names}, refused, reason FROM {checked(table)} "
        f"WHERE refused IS NOT NULL ORDER BY seq LIMIT {mark}"
    )


def figures(dialect: Dialect, table: str) -> str:
    """Waiting, refused, and the age of the oldest that waits."""
    waits = "CASE WHEN refused IS NULL THEN {} END"
    return f"SELECT count({waits.format(1)}), count(refused), max({waits.format(_AGE[dialect])}) FROM {checked(table)}"


def set_aside(table: str, mark: str) -> str:
    """Binds code, reason and seq."""
    return f"UPDATE {checked(table)} SET refused = {mark}, reason = {mark} WHERE seq = {mark}"


def rights(table: str) -> tuple[str, str]:
    """Fail unless the relay may settle; change nothing."""
    name = checked(table)
    nothing = "refused = refused, reason = reason WHERE 1 = 0"
    return f"DELETE FROM {name} WHERE 1 = 0", f"UPDATE {name} SET {nothing}"


def probe(table: str) -> str:
    """Fails unless every column is there."""
    return f"SELECT {', '.join((*OURS, *COLUMNS))} FROM {checked(table)} WHERE 1 = 0"
