"""SQL for many rows that are given at once: one array a column, turned into rows by `unnest`. A part of `sql.py`."""

from __future__ import annotations

from typing import Any

from interlock.adapters.postgres.columns import Blobs, Ints, Texts

Kinds = tuple[type[list[Any]], ...]


def casts(kinds: Kinds, first: int = 1) -> str:
    """The parameters of the columns, with their types, for `unnest`."""
    names = {Ints: "bigint", Texts: "text", Blobs: "bytea"}
    return ", ".join(f"${number}::{names[kind]}[]" for number, kind in enumerate(kinds, first))


def insert(table: str, names: str, kinds: Kinds) -> str:
    return f"INSERT INTO {table}({names}) SELECT * FROM unnest({casts(kinds)})"


def each(rows: str, table: str, where: str, columns: str) -> str:
    """FROM: for each of the rows what `table` has there, as `found`, always by the table's key.

    A plain join would do, were it not for tables that are empty one moment and full the next: when autovacuum has
    counted no row, the planner reads the whole table and compares each row with all that were asked for, and keeps to
    it when there are many. OFFSET 0 leaves it no choice.
    """
    return f"{rows} CROSS JOIN LATERAL (SELECT {columns} FROM {table} WHERE {where} OFFSET 0) AS found"
