"""The rivals' one row per event, in SQLite as Interlock uses it: same driver, WAL, synchronous=FULL."""

from __future__ import annotations

import time
from collections.abc import Sequence

import apsw
import orjson

CREATE = (
    "CREATE TABLE IF NOT EXISTS handled(order_id TEXT PRIMARY KEY, total TEXT, at_ns INTEGER) STRICT, WITHOUT ROWID"
)
INSERT = "INSERT OR REPLACE INTO handled VALUES (?, ?, ?)"


class Rows:
    """A commit for each call: one event, or one list of events. `stamps` holds what was committed when."""

    def __init__(self, path: str) -> None:
        self._connection = apsw.Connection(path)
        self._connection.pragma("journal_mode", "wal")
        self._connection.pragma("synchronous", "FULL")
        self._connection.execute(CREATE)
        self.stamps: list[tuple[str, int]] = []

    def handle(self, bodies: Sequence[bytes | str]) -> None:
        now = time.time_ns()
        orders = [orjson.loads(body)["data"] for body in bodies]
        if len(orders) == 1:
            self._connection.execute(INSERT, (orders[0]["order_id"], orders[0]["total"], now))
        else:
            with self._connection:
                self._connection.executemany(INSERT, [(order["order_id"], order["total"], now) for order in orders])
        done = time.time_ns()
        self.stamps.extend([(order["order_id"], done) for order in orders])

    def write_stamps(self, path: str) -> None:
        with open(path, "w") as file:
            file.writelines(f"{order_id} {done}\n" for order_id, done in self.stamps)
