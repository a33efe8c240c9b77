"""An event that a foreign producer put into the log itself, without the engine's edge: the same rule for every log.

- A record is an event if it is a CloudEvent 1.0 in binary content mode, or in structured mode as JSON, with data that
  is JSON. Anything else is passed over, counted and logged; it never stops a partition.
- It belongs to the partition in which it was delivered. Its key is the attribute `partitionkey`, else the key of the
  transport, else its own identity; the event carries the keyed hash.
- Its version is empty: nobody has checked it against a contract. `dataschema` stays among the other attributes, where
  the flows find it when they check the event, before a handler sees it.
- Nobody answered its producer, so accepted is when the broker took it; the attribute `time` stays among the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from interlock.model.event import UNCHECKED, UNPROTECTED, Event
from interlock.model.hashing import KeyHasher

STRUCTURED = "application/cloudevents+json"
MAX_ID = 255
MAX_TEXT = 1024
_NAME = re.compile(r"[a-z0-9]{1,20}")
_JSON_TYPE = re.compile(r"application/json|[a-z]+/[a-z0-9.+-]+\+json|text/json")


def structured(value: bytes) -> tuple[dict[str, Any], bytes]:
    """Attributes and data of an event in the JSON format. ValueError."""
    document = orjson.loads(value)
    if not isinstance(document, dict) or "data" not in document:
        raise ValueError("it is no CloudEvent with JSON data")
    data = orjson.dumps(document.pop("data"))
    return {name: value for name, value in document.items() if value is not None}, data


def foreign_event(
    attributes: Mapping[str, Any], body: bytes, *, partition: int, key: str | None, received_us: int, hasher: KeyHasher
) -> Event:
    """Of the attributes by name and the data as JSON text. ValueError when it is no event; says no content."""
    others = dict(attributes)
    if others.pop("specversion", None) != "1.0":
        raise ValueError("its specversion is not 1.0")
    event_id = _text(others, "id", MAX_ID)
    source = _text(others, "source", MAX_TEXT)
    event_type = _text(others, "type", MAX_TEXT)
    _check_json(str(others.get("datacontenttype", "application/json")), body)
    if others.get("datacontenttype") == "application/json":
        del others["datacontenttype"]
    named = {
        name: _text(others, name, MAX_TEXT) if name in others else None
        for name in ("partitionkey", "correlationid", "causationid", "traceparent")
    }
    if any(_NAME.fullmatch(name) is None for name in others):
        raise ValueError("an attribute's name is none")
    return Event(
        partition=partition,
        id=event_id,
        source=source,
        type=event_type,
        version=UNCHECKED,
        key_hash=hasher.number(named["partitionkey"] or key or f"{source}\x1f{event_id}"),
        time_us=received_us,
        correlation=named["correlationid"],
        causation=named["causationid"],
        trace=named["traceparent"],
        business=b"",
        attributes=orjson.dumps(others) if others else None,
        scheme=UNPROTECTED,
        key_id=None,
        body=body,
    )


def _text(attributes: dict[str, Any], name: str, limit: int) -> str:
    value = attributes.pop(name, None)
    if not isinstance(value, str) or not 0 < len(value) <= limit or not value.isprintable():
        raise ValueError(f"its {name} is no text of 1 to {limit} characters")
    return value


def _check_json(content_type: str, body: bytes) -> None:
    if _JSON_TYPE.fullmatch(content_type.partition(";")[0].strip().lower()) is None:
        raise ValueError("its data is no JSON by its type")
    orjson.loads(body)
