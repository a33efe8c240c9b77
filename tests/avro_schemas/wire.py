"""What fastavro makes of two schemas and a value in Avro's JSON encoding: the judge of every witness."""

from __future__ import annotations

import io
import json
from typing import Any

import fastavro


def decoded(writer: Any, value: Any) -> Any:
    """The value as Python has it."""
    return next(iter(fastavro.json_reader(io.StringIO(json.dumps(value)), writer)))


def encoded(writer: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, writer, value)
    return out.getvalue()


def read_back(writer: Any, reader: Any, value: Any) -> Any:
    """The Python value, written by one schema and read by the other. Raises what fastavro raises."""
    return fastavro.schemaless_reader(io.BytesIO(encoded(writer, value)), writer, reader)


def reads(writer: Any, reader: Any, value: Any) -> bool:
    try:
        read_back(writer, reader, value)
    except Exception:  # whatever it raises: the value did not arrive
        return False
    return True


def misreads(writer: Any, reader: Any, value: Any) -> bool:
    """The same bytes mean another value to each."""
    raw = encoded(writer, value)
    return bool(
        fastavro.schemaless_reader(io.BytesIO(raw), writer, None)
        != fastavro.schemaless_reader(io.BytesIO(raw), reader, None)
    )
