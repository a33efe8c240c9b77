"""Columns of a batch as binary PostgreSQL arrays: one parameter a column, however many rows.

Each kind has one type on the wire, whatever the values are. psycopg would choose the smallest type that fits, so that
the same statement would be prepared again and again. Layout: array_recv of PostgreSQL's `arrayfuncs.c`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from struct import Struct, pack
from typing import Any

from psycopg.adapt import AdaptersMap, Buffer, Dumper
from psycopg.pq import Format
from psycopg.types.numeric import Int8BinaryDumper
from psycopg.types.string import BytesBinaryDumper, StrBinaryDumper

Statement = tuple[str, Sequence[Any]]  # with its bindings
_LENGTH = Struct("!i").pack
_NULL = _LENGTH(-1)
_INT8, _TEXT, _BYTEA = 20, 25, 17
_INT8_ARRAY, _TEXT_ARRAY, _BYTEA_ARRAY = 1016, 1009, 1001


class Ints(list[Any]):
    """bigint[]; None is NULL."""


class Texts(list[Any]):
    """text[]; None is NULL."""


class Blobs(list[Any]):
    """bytea[]; None is NULL."""


def _header(count: int, nulls: bool, element: int) -> bytes:
    if not count:
        return pack("!iii", 0, 0, element)
    return pack("!iiiii", 1, nulls, element, count, 1)


def _ints(items: Sequence[int | None]) -> bytes:
    count = len(items)
    if None in items:
        return _header(count, True, _INT8) + b"".join(_NULL if item is None else pack("!iq", 8, item) for item in items)
    body = pack("!" + "iq" * count, *chain.from_iterable(zip(repeat(8, count), items, strict=True)))
    return _header(count, False, _INT8) + body


def _texts(items: Sequence[str | None]) -> bytes:
    return _blobs([None if item is None else item.encode() for item in items], _TEXT)


def _blobs(items: Sequence[bytes | None], element: int = _BYTEA) -> bytes:
    parts: list[bytes] = []
    for item in items:
        if item is None:
            parts.append(_NULL)
        else:
            parts += (_LENGTH(len(item)), item)
    return _header(len(items), None in items, element) + b"".join(parts)


class _IntsDumper(Dumper):
    format, oid = Format.BINARY, _INT8_ARRAY

    def dump(self, obj: Ints) -> Buffer | None:
        return _ints(obj)


class _TextsDumper(Dumper):
    format, oid = Format.BINARY, _TEXT_ARRAY

    def dump(self, obj: Texts) -> Buffer | None:
        return _texts(obj)


class _BlobsDumper(Dumper):
    format, oid = Format.BINARY, _BYTEA_ARRAY

    def dump(self, obj: Blobs) -> Buffer | None:
        return _blobs(obj)


def register(adapters: AdaptersMap) -> None:
    """Make a connection send columns, and each scalar in one type."""
    adapters.register_dumper(Ints, _IntsDumper)
    adapters.register_dumper(Texts, _TextsDumper)
    adapters.register_dumper(Blobs, _BlobsDumper)
    adapters.register_dumper(int, Int8BinaryDumper)
    adapters.register_dumper(str, StrBinaryDumper)
    adapters.register_dumper(bytes, BytesBinaryDumper)


def columns(kinds: Sequence[type[list[Any]]], rows: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Rows turned into one array for each column."""
    if not rows:
        return [kind() for kind in kinds]
    return [kind(column) for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)]
