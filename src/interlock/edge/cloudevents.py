"""CloudEvents 1.0.2: the attributes of one event, checked, in whatever content mode they came.

Pointers in errors address the event in its JSON form (`/id`, `/data/…`), also when it was sent as headers and body.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from interlock.edge.media_type import JSON, is_json, media_type
from interlock.edge.traceparent import valid_traceparent
from interlock.model.problems import ContractViolation, MalformedRequest, UnsupportedMediaType

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
FAMILY = "application/cloudevents"
HEADER_PREFIX = "ce-"

MAX_ID = 255
MAX_SOURCE = 1024
MAX_NAME = 20
CACHED = 1024  # sources and names that need not be looked at again
MAX_ERRORS = 100
INT32 = 1 << 31
ABSENT: Any = object()

REQUIRED = frozenset({"specversion", "id", "source", "type", "data"})

# Section 3.1 'Type System', String: control characters, surrogates and noncharacters are not allowed.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
_NAME = re.compile(r"[a-z0-9]{1,20}")
_URI_CHARACTERS = r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=]*"
_URI_REFERENCE = re.compile(f"{_URI_CHARACTERS}(?:%[0-9A-Fa-f]{{2}}{_URI_CHARACTERS})*")
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)


class Envelope(NamedTuple):
    """One event as sent. `others`: every attribute beyond the named ones. `data` is ABSENT when there was none."""

    id: str
    source: str
    type: str
    dataschema: str | None
    partition_key: str | None
    correlation: str | None
    causation: str | None
    trace: str | None
    others: dict[str, Any] | None
    data: Any


def read(document: Any) -> Envelope:
    """The envelope of an event in JSON form (JSON format, section 3); null means unset.

    Raises MalformedRequest with one entry per bad attribute, UnsupportedMediaType, or ContractViolation for
    `data_base64`, since contracts describe JSON.
    """
    if type(document) is not dict:
        raise MalformedRequest("An event is a JSON object.", errors=[{"pointer": "", "detail": "is no object"}])
    get = document.get
    event_id, source, event_type = get("id"), get("source"), get("type")
    if not (
        get("specversion") == "1.0"
        and type(event_id) is str
        and 0 < len(event_id) <= MAX_ID
        and (event_id.isprintable() or is_text(event_id))
        and type(source) is str
        and 0 < len(source) <= MAX_SOURCE
        and _is_uri_reference(source)
        and type(event_type) is str
        and event_type
    ):
        raise _malformed(document)
    others: dict[str, Any] = {}
    for name, value in document.items():
        if name in REQUIRED or value is None:
            continue
        if name == "datacontenttype":
            if value == JSON:
                continue
            _check_content_type(document, value)
        elif _fault(name, value) is not None:
            raise _malformed(document)
        others[name] = value
    take = others.pop
    trace = take("traceparent", None)
    return Envelope(
        event_id,
        source,
        event_type,
        take("dataschema", None),
        take("partitionkey", None),
        take("correlationid", None),
        take("causationid", None),
        valid_traceparent(trace) if trace is not None else None,
        others or None,
        get("data", ABSENT),
    )


def from_headers(headers: Mapping[str, str], data: Any) -> dict[str, Any]:
    """The JSON form of an event in binary content mode (HTTP binding, section 3.1)."""
    document: dict[str, Any] = {
        name[len(HEADER_PREFIX) :]: _header_value(name, value)
        for name, value in headers.items()
        if name.startswith(HEADER_PREFIX)
    }
    if "data" in document:
        raise _attribute("data", "is no attribute; the data is the body")
    content_type = headers.get("content-type", document.get("datacontenttype"))
    if document.setdefault("datacontenttype", content_type) != content_type:
        raise _attribute("datacontenttype", "is Content-Type in binary mode (section 3.1.1), and differs from it")
    document["data"] = data
    return document


def is_text(text: str) -> bool:
    """Whether all characters are allowed in a CloudEvents string."""
    return text.isprintable() or _FORBIDDEN.search(text) is None


def _header_value(name: str, value: str) -> str:
    """Section 3.1.3.2: unquote (RFC 9110 section 5.6.4), then one round of percent-decoding, then UTF-8."""
    if not value.isascii():
        raise _attribute(name[len(HEADER_PREFIX) :], "holds bytes beyond ASCII; percent-encode them")
    if len(value) >= 2 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    if "%" not in value:
        return value
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError as error:
        raise _attribute(name[len(HEADER_PREFIX) :], "is not UTF-8 after percent-decoding") from error


def _attribute(name: str, detail: str) -> MalformedRequest:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    return MalformedRequest(
        f"The CloudEvents attribute {name[:MAX_NAME]} {detail}.", errors=[{"pointer": pointer, "detail": detail}]
    )


def _malformed(document: dict[str, Any]) -> MalformedRequest:
    errors: list[Mapping[str, Any]] = []
    for name in ("specversion", "id", "source", "type"):
        if document.get(name) is None:
            errors.append({"pointer": f"/{name}", "detail": "is missing"})
    for name, value in document.items():
        fault = None if name == "data" or value is None else _fault(name, value)
        if fault is not None:
            errors.extend(_attribute(name, fault).errors)
    return MalformedRequest(
        "The CloudEvents attributes are not as they should be.",
        next_step="Correct the attributes listed under errors (CloudEvents 1.0.2, section 'Context Attributes').",
        errors=errors[:MAX_ERRORS],
    )


def _check_content_type(document: dict[str, Any], content_type: Any) -> None:
    if type(content_type) is not str or not is_text(content_type):
        raise _malformed(document)
    if not is_json(media_type(content_type)):
        raise UnsupportedMediaType(
            "The data is no JSON by its datacontenttype; contracts describe application/json and +json types.",
            errors=[{"pointer": "/datacontenttype", "detail": "is no JSON type"}],
        )


def _fault(name: str, value: Any) -> str | None:
    """What is wrong with an attribute, or None."""
    if name == "data_base64":
        raise ContractViolation(
            "Binary data (data_base64) is not taken: contracts describe JSON.",
            next_step="Send the data as JSON in the member data.",
            errors=[{"pointer": "/data_base64", "detail": "is not taken"}],
        )
    rule = _RULES.get(name)
    if rule is not None:
        return rule(value)
    if not _is_name(name):
        return "is no attribute name: 1 to 20 lower-case letters and digits"
    if type(value) is str:
        return None if value.isprintable() or is_text(value) else "holds characters that CloudEvents does not allow"
    if type(value) is bool or (type(value) is int and -INT32 <= value < INT32):
        return None
    return "is neither a string, a boolean nor a 32-bit integer"


@lru_cache(CACHED)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


@lru_cache(CACHED)
def _is_uri_reference(text: str) -> bool:
    return _URI_REFERENCE.fullmatch(text) is not None


def _text_fault(limit: int) -> Callable[[Any], str | None]:
    def fault(value: Any) -> str | None:
        if type(value) is not str or not value:
            return "is no non-empty string"
        if len(value) > limit:
            return f"is longer than {limit} characters"
        return None if is_text(value) else "holds characters that CloudEvents does not allow"

    return fault


def _source_fault(value: Any) -> str | None:
    fault = _text_fault(MAX_SOURCE)(value)
    return fault or (None if _is_uri_reference(value) else "is no URI-reference (RFC 3986)")


def _time_fault(value: Any) -> str | None:
    if type(value) is not str or _TIME.fullmatch(value) is None:
        return "is no RFC 3339 time"
    try:
        if value[8:10] > "28" or value[8:10] == "00" or not "01" <= value[5:7] <= "12" or value[:4] == "0000":
            date.fromisoformat(value[:10])
    except ValueError:
        return "is no day of the calendar"
    return None


def _version_fault(value: Any) -> str | None:
    return None if value == "1.0" else "is not 1.0"


_RULES: dict[str, Callable[[Any], str | None]] = {
    "specversion": _version_fault,
    "id": _text_fault(MAX_ID),
    "source": _source_fault,
    "type": _text_fault(MAX_SOURCE),
    "time": _time_fault,
    "subject": _text_fault(MAX_SOURCE),
    "datacontenttype": _text_fault(MAX_SOURCE),
    "dataschema": _source_fault,
    "partitionkey": _text_fault(MAX_SOURCE),
    "correlationid": _text_fault(MAX_SOURCE),
    "causationid": _text_fault(MAX_SOURCE),
    "traceparent": _text_fault(MAX_SOURCE),
}
