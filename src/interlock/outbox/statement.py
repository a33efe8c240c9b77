"""The one INSERT of an outbox, in the styles in which drivers mark bound values."""

from __future__ import annotations

from typing import Literal

from interlock.adapters.user_tables.outbox_sql import COLUMNS, DEFAULT_TABLE, checked

Style = Literal["qmark", "format", "numeric", "named"]  # PEP 249 names; numeric as asyncpg has it: $1
_MARKS: dict[Style, str] = {"qmark": "?", "format": "%s", "numeric": "${number}", "named": ":{name}"}


def insert(style: Style, table: str = DEFAULT_TABLE) -> str:
    """Binds a value for each of `COLUMNS`, in order or by name."""
    mark = _MARKS[style]
    marks = ", ".join(mark.format(number=number, name=name) for number, name in enumerate(COLUMNS, 1))
    return f"INSERT INTO {checked(table)} ({', '.join(COLUMNS)}) VALUES ({marks})"  # noqa: S608 - the name is checked


def emit(style: Style) -> str:
    """Binds prefix and content: a message in PostgreSQL's log that lives and dies with its transaction."""
    marks = {"numeric": ("$1", "$2"), "named": (":prefix", ":content")}.get(style, ("%s", "%s"))
    return f"SELECT pg_logical_emit_message(true, CAST({marks[0]} AS text), CAST({marks[1]} AS text))"
