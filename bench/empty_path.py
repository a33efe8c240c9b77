"""The yardstick of a back end: its round trips, and nothing of an engine around them.

`python -m bench.empty_path install|load|work URL …`, URL a file or a PostgreSQL database. One loop reads a batch of
events from a partition, decodes each body, and writes handling rows, state rows, tally, cursor and the writer's mark in
one transaction of one round trip, as the engine's commits do; columns are encoded as the adapter encodes them. It has
no contract, no order per key, no retries, no parking, no fencing, and does one thing after the other.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import apsw
import orjson
import psycopg

from bench import order
from bench.rivals.progress import Progress
from bench.verify import DATABASE
from interlock.adapters.postgres.columns import Blobs, Ints, Texts, columns, register
from interlock.adapters.postgres.rows_sql import Kinds, casts

PARTITIONS = 8
FLOW = 1
LOAD = 1000
TABLES = """
CREATE TABLE owner(epoch {int} NOT NULL);
INSERT INTO owner VALUES (1);
CREATE TABLE writer(id {int} PRIMARY KEY, batch {int} NOT NULL);
INSERT INTO writer VALUES (1, 0);
CREATE TABLE log(partition {int} NOT NULL, position {int} NOT NULL, id {text} NOT NULL, source {text} NOT NULL,
    type {text} NOT NULL, version {text} NOT NULL, key_hash {int} NOT NULL, time_us {int} NOT NULL,
    business {bytes} NOT NULL, attributes {bytes}, body {bytes} NOT NULL, PRIMARY KEY(partition, position)){strict};
CREATE TABLE handling(flow {int} NOT NULL, partition {int} NOT NULL, position {int} NOT NULL, generation {int} NOT NULL,
    state {int} NOT NULL, attempts {int} NOT NULL, at_us {int} NOT NULL, duration_us {int} NOT NULL,
    handler {int} NOT NULL, flow_version {int} NOT NULL, error {text}, superseded {int} NOT NULL,
    PRIMARY KEY(flow, partition, position, generation)){strict};
CREATE TABLE state(tbl {int} NOT NULL, key {text} NOT NULL, version {int} NOT NULL, value {bytes} NOT NULL,
    PRIMARY KEY(tbl, key)){strict};
CREATE TABLE tally(flow {int} NOT NULL, partition {int} NOT NULL, total {int} NOT NULL, PRIMARY KEY(flow, partition));
CREATE TABLE cursor(flow {int} NOT NULL, partition {int} NOT NULL, position {int} NOT NULL,
    PRIMARY KEY(flow, partition));
"""
TYPES = {
    True: {"int": "bigint", "text": 'text COLLATE "C"', "bytes": "bytea", "strict": ""},
    False: {"int": "INTEGER", "text": "TEXT", "bytes": "BLOB", "strict": " STRICT, WITHOUT ROWID"},
}
LOG: Kinds = (Ints, Ints, Texts, Texts, Texts, Texts, Ints, Ints, Blobs, Blobs, Blobs)
HANDLING: Kinds = (Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Ints, Texts, Ints)
STATE: Kinds = (Ints, Texts, Ints, Blobs)
Rows = Sequence[tuple[Any, ...]]


class Store(Protocol):
    def install(self) -> None: ...

    def append(self, rows: Rows) -> None:
        """Rows of the log."""
        ...

    def read(self, partition: int, after: int, limit: int) -> Rows:
        """Position, type and body."""
        ...

    def write(self, partition: int, position: int, handlings: Rows, states: Rows) -> None:
        """One commit."""
        ...


class OnPostgres:
    """Asynchronous psycopg in pipeline mode would only wait in another way: this is the plain connection."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.RawCursor)
        register(self._connection.adapters)
        self._connection.prepare_threshold = 0
        for setting in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off", "jit = off"):
            self._run(f"SET {setting}")

    def _run(self, statement: str, bindings: Sequence[Any] = ()) -> Any:
        return self._connection.execute(statement.encode(), bindings, binary=True)

    def install(self) -> None:
        for statement in TABLES.format(**TYPES[True]).split(";"):
            if statement.strip():
                self._run(statement)

    def append(self, rows: Rows) -> None:
        self._run(f"INSERT INTO log SELECT * FROM unnest({casts(LOG)})", columns(LOG, rows))

    def read(self, partition: int, after: int, limit: int) -> Rows:
        found: Rows = self._run(
            "SELECT position, type, body FROM log WHERE partition = $1 AND position > $2 ORDER BY position LIMIT $3",
            (partition, after, limit),
        ).fetchall()
        return found

    def write(self, partition: int, position: int, handlings: Rows, states: Rows) -> None:
        with self._connection.pipeline():
            self._run("BEGIN")
            self._run("SELECT epoch FROM owner FOR SHARE")
            self._run(f"INSERT INTO handling SELECT * FROM unnest({casts(HANDLING)})", columns(HANDLING, handlings))
            self._run(
                f"INSERT INTO state SELECT * FROM unnest({casts(STATE)}) "
                "ON CONFLICT (tbl, key) DO UPDATE SET version = excluded.version, value = excluded.value",
                columns(STATE, states),
            )
            self._run(
                "INSERT INTO tally AS t VALUES ($1::bigint, $2::bigint, $3::bigint) ON CONFLICT (flow, partition) "
                "DO UPDATE SET total = t.total + excluded.total",
                (FLOW, partition, len(handlings)),
            )
            self._run(
                "INSERT INTO cursor VALUES ($1::bigint, $2::bigint, $3::bigint) ON CONFLICT (flow, partition) "
                "DO UPDATE SET position = excluded.position",
                (FLOW, partition, position),
            )
            self._run("UPDATE writer SET batch = batch + 1 WHERE id = 1")
            self._run("COMMIT")


class OnSqlite:
    """The driver and the durability of the embedded store: apsw, WAL, synchronous=FULL."""

    def __init__(self, path: str) -> None:
        self._connection = apsw.Connection(path)
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "FULL")

    def install(self) -> None:
        self._connection.execute(TABLES.format(**TYPES[False]))

    def append(self, rows: Rows) -> None:
        with self._connection:
            self._connection.executemany("INSERT INTO log VALUES (?,?,?,?,?,?,?,?,?,?,?)", rows)

    def read(self, partition: int, after: int, limit: int) -> Rows:
        return list(
            self._connection.execute(
                "SELECT position, type, body FROM log WHERE partition = ? AND position > ? ORDER BY position LIMIT ?",
                (partition, after, limit),
            )
        )

    def write(self, partition: int, position: int, handlings: Rows, states: Rows) -> None:
        run, many = self._connection.execute, self._connection.executemany
        run("BEGIN IMMEDIATE")
        run("SELECT epoch FROM owner").fetchall()
        many("INSERT INTO handling VALUES (?,?,?,?,?,?,?,?,?,?,?,?)", handlings)
        many("INSERT OR REPLACE INTO state VALUES (?,?,?,?)", states)
        run(
            "INSERT INTO tally VALUES (?,?,?) ON CONFLICT DO UPDATE SET total = total + excluded.total",
            (FLOW, partition, len(handlings)),
        )
        run("INSERT OR REPLACE INTO cursor VALUES (?,?,?)", (FLOW, partition, position))
        run("COMMIT")


def store_of(url: str) -> Store:
    return OnPostgres(url) if url.startswith(DATABASE) else OnSqlite(url)


def events(count: int) -> Iterator[tuple[Any, ...]]:
    """Rows of the log, dealt out to the partitions in turn."""
    run, now = order.new_run(), time.time_ns() // 1000
    attributes = orjson.dumps({"time": "2026-11-22T12:00:00.000Z"})
    for number in range(count):
        identity, place = order.event_id(run, number), (number % PARTITIONS, number // PARTITIONS + 1)
        names = (identity, order.SOURCE, "orders.OrderPlaced", "1.0.0")
        yield (*place, *names, number, now, b"12345678", attributes, order.data(identity))


def load(url: str, count: int) -> None:
    store, rows = store_of(url), list(events(count))
    begin = time.time_ns()
    for first in range(0, count, LOAD):
        store.append(rows[first : first + LOAD])
    print(json.dumps({"acknowledged": count, "begin_ns": begin, "end_ns": time.time_ns()}))


def work(url: str, progress: Progress, batch: int) -> None:
    """Until nothing is left; then wait to be ended."""
    store = store_of(url)
    cursors = [0] * PARTITIONS
    version = 0
    print("ready", flush=True)
    progress.begun()
    left = set(range(PARTITIONS))
    while left:
        for partition in sorted(left):
            rows = store.read(partition, cursors[partition], batch)
            if not rows:
                left.discard(partition)
                continue
            handlings, states = [], []
            for position, _, body in rows:
                now = time.time_ns() // 1000
                data = orjson.loads(body)
                value = orjson.dumps({"total": data["total"], "lines": len(data["lines"])})
                version += 1
                states.append((1, data["order_id"], version, value))
                handlings.append((FLOW, partition, position, 0, 2, 1, now, 0, 1, 1, None, 0))
            cursors[partition] = rows[-1][0]
            store.write(partition, cursors[partition], handlings, states)
            progress.done(len(rows))
    signal.pause()


if __name__ == "__main__":
    verb, url, *rest = sys.argv[1:]
    if verb == "install":
        store_of(url).install()
    elif verb == "load":
        load(url, int(rest[0]))
    else:
        work(url, Progress(rest[0]), int(rest[1]))
