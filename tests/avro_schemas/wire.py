"""What fastavro makes of two schemas and a value in Avro's JSON encoding: the judge of every witness."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from typing import Any

import fastavro

from avro_schemas.random_schemas import label, named_types


def decoded(writer: Any, value: Any) -> Any:
    """A value in Avro's JSON encoding as fastavro writes it, branches named: its own reader of JSON forgets them."""
    return _decoded(writer, value, named_types(writer))


def _decoded(schema: Any, value: Any, names: dict[str, Any]) -> Any:
    if isinstance(schema, list):
        (name, inner), *_ = [*value.items()] if isinstance(value, dict) else [("null", None)]
        (branch,) = [one for one in schema if label(one) == name]
        return name, _decoded(branch, inner, names)
    if isinstance(schema, str) and schema in names:
        return _decoded(names[schema], value, names)
    kind = schema if isinstance(schema, str) else schema["type"]
    if kind == "record":
        return {one["name"]: _decoded(one["type"], value[one["name"]], names) for one in schema["fields"]}
    if kind == "array":
        return [_decoded(schema["items"], one, names) for one in value]
    if kind == "map":
        return {key: _decoded(schema["values"], one, names) for key, one in value.items()}
    raw = value.encode("latin-1") if kind in ("bytes", "fixed") else value
    if isinstance(schema, dict) and schema.get("logicalType") == "decimal":
        return Decimal(int.from_bytes(raw, signed=True)).scaleb(-schema["scale"])
    return raw


def is_json_encoding(writer: Any, value: Any) -> bool:
    return len(list(fastavro.json_reader(io.StringIO(json.dumps(value)), writer))) == 1


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
