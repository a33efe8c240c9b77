"""The books of one service: one SQLite file, one transaction per effect.

A double effect would be a second row with another key: nothing here hides one.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  number INTEGER PRIMARY KEY, key TEXT NOT NULL, webhook TEXT NOT NULL, kind TEXT NOT NULL,
  order_id TEXT NOT NULL, reference TEXT, amount TEXT, at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS entry_lines (number INTEGER NOT NULL, sku TEXT NOT NULL, quantity INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS answers (
  key TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, total INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS entries_by_order ON entries (order_id, kind);
"""


class Answer(NamedTuple):
    status: int
    body: dict[str, Any]


class Entry(NamedTuple):
    """One effect. `amount` is decimal text with two places."""

    kind: str
    order_id: str
    reference: str | None = None
    amount: str | None = None
    lines: tuple[tuple[str, int], ...] = ()


Decide = Callable[["Books", Mapping[str, Any]], "tuple[Entry | None, Answer]"]


class Books:
    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(SCHEMA)

    def perform(self, key: str, webhook: str, raw: bytes, decide: Decide) -> Answer:
        """The effect and the stored answer in one transaction; the same key again gets the same answer."""
        fingerprint = sha256(raw).hexdigest()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            answer = self._replay(key, fingerprint) or self._first(key, webhook, raw, fingerprint, decide)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        return answer

    def entries(self, order_id: str, kind: str) -> list[tuple[str | None, str | None]]:
        """(reference, amount) of each entry."""
        return self._db.execute(
            "SELECT reference, amount FROM entries WHERE order_id = ? AND kind = ?", (order_id, kind)
        ).fetchall()

    def count(self, name: str) -> None:
        self._db.execute("INSERT INTO counts VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET total = total + 1", (name,))

    def close(self) -> None:
        self._db.close()

    def _replay(self, key: str, fingerprint: str) -> Answer | None:
        row = self._db.execute("SELECT fingerprint, status, body FROM answers WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        if row[0] != fingerprint:
            return Answer(422, {"detail": "this key was used with another body"})
        self.count("replayed")
        return Answer(row[1], json.loads(row[2]))

    def _first(self, key: str, webhook: str, raw: bytes, fingerprint: str, decide: Decide) -> Answer:
        entry, answer = decide(self, json.loads(raw))
        if entry is not None:
            number = self._write(key, webhook, entry)
            answer = Answer(answer.status, {name: f"{value}{number}" for name, value in answer.body.items()})
        self._db.execute(
            "INSERT INTO answers VALUES (?, ?, ?, ?)", (key, fingerprint, answer.status, json.dumps(answer.body))
        )
        return answer

    def _write(self, key: str, webhook: str, entry: Entry) -> int:
        number = self._db.execute(
            "INSERT INTO entries (key, webhook, kind, order_id, reference, amount, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, webhook, entry.kind, entry.order_id, entry.reference, entry.amount, time.time()),
        ).lastrowid
        assert number is not None
        lines = [(number, sku, quantity) for sku, quantity in entry.lines]
        self._db.executemany("INSERT INTO entry_lines VALUES (?, ?, ?)", lines)
        return number
