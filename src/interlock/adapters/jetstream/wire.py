"""Events as NATS messages: CloudEvents 1.0 in binary content mode, as the NATS protocol binding 1.0.3-wip maps it.

Version 1.0.2 of the binding knows the structured mode only, since NATS had no headers then; that mode is read as well.
What an Event has beyond CloudEvents stands in headers of our own, which others may leave out and ignore.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import orjson

from interlock.adapters.jetstream.subjects import key_in, message_id, subject_of
from interlock.model.event import UNCHECKED, UNPROTECTED, Event
from interlock.model.hashing import KeyHasher

MESSAGE_ID = "Nats-Msg-Id"
KEY = "Interlock-Key"
TIME = "Interlock-Time"  # of acceptance, in microseconds; `ce-time` is the producer's own where it has sent one
BUSINESS = "Interlock-Business"
PROTECTION = "Interlock-Protection"
ATTRIBUTES = "Interlock-Attributes"
STRUCTURED = "application/cloudevents"
MAX_ID = 255
MAX_TEXT = 1024
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLAIN = re.compile(r"[!#$&-~]*\Z")  # section 3.1.3.2: no space, no double quote, no percent, printable ASCII
_OWN = frozenset({"id", "source", "type", "specversion", "time", "datacontenttype", "data"})
_TRACE = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


class Outgoing(NamedTuple):
    """One message as it is published."""

    partition: int
    identity: str
    subject: str
    headers: dict[str, str]
    body: bytes
    size: int


class Unreadable(Exception):
    """A message that is no CloudEvent, or lacks what an event must have. `str` says what; it holds no data."""


def escape(text: str) -> str:
    """Percent-encoding of a header value."""
    if _PLAIN.match(text):
        return text
    return "".join(
        character if _PLAIN.match(character) else "".join(f"%{byte:02X}" for byte in character.encode())
        for character in text
    )


def unescape(text: str) -> str:
    """Its inverse. Unreadable for what is not UTF-8 then."""
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    if "%" not in text:
        return text
    plain = text.replace("%22", '"')  # no hexadecimal digit, so it makes no other escape; JSON has few besides
    if "%" not in plain:
        return plain
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeDecodeError as error:
        raise Unreadable("a header is not UTF-8 after percent-decoding") from error


def encode(event: Event, stream: str) -> Outgoing:
    """The message of an event, with its identity for the server's dedupe."""
    identity = message_id(event.source, event.id)
    headers = {
        MESSAGE_ID: identity,
        "ce-specversion": "1.0",
        "ce-id": escape(event.id),
        "ce-source": _escaped(event.source),
        "ce-type": _escaped(event.type),
        "ce-time": _time_text(event.time_us),
        "ce-dataschema": _schema(event.type, event.version),
        KEY: str(event.key_hash),
        TIME: str(event.time_us),
    }
    for name, value in (
        ("ce-correlationid", event.correlation),
        ("ce-causationid", event.causation),
        ("ce-traceparent", event.trace),
    ):
        if value is not None:
            headers[name] = escape(value)
    if event.business:
        headers[BUSINESS] = event.business.hex()
    if event.attributes is not None:
        headers[ATTRIBUTES] = escape(event.attributes.decode())
        others = _attribute_headers(event.attributes)
        headers = {**others, **headers, "ce-time": others.get("ce-time", headers["ce-time"])}
    if event.scheme != UNPROTECTED or event.key_id is not None:
        headers[PROTECTION] = str(event.scheme) if event.key_id is None else f"{event.scheme} {escape(event.key_id)}"
    if event.scheme == UNPROTECTED:
        headers.setdefault("ce-datacontenttype", "application/json")
    else:
        headers["ce-datacontenttype"] = "application/octet-stream"
    size = sum(map(len, headers)) + sum(map(len, headers.values())) + 4 * len(headers) + len(event.body)
    subject = subject_of(stream, event.partition, identity, event.type)
    return Outgoing(event.partition, identity, subject, headers, event.body, size + len(subject))


def same(message: Outgoing, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether a stored message is this one, and not another event of the same identity."""
    return body == message.body and all(headers.get(name) == value for name, value in message.headers.items())


def decode(
    partition: int,
    headers: Mapping[str, str],
    body: bytes,
    stored_us: int,
    hasher: KeyHasher,
    *,
    foreign: bool = False,
    place: str = "",
) -> Event:
    """The event of a message, ours or another's. Unreadable when it is none.

    `foreign` says that its subject is one where others publish: our headers are not believed there. A partition is
    trusted as delivered. Without our headers the key is the attribute `partitionkey`, else what stands for it in
    `place`, the subject from where others publish (see `subjects.key_in`), else the event's own identity; the
    time is when the server stored it; the version is UNCHECKED, and `dataschema` stays among the attributes.
    """
    key = headers.get(KEY)
    if foreign or key is None:
        return _foreign(partition, headers, body, stored_us, hasher, place)
    get = headers.get
    try:
        protection = get(PROTECTION)
        scheme, _, key_id = ("0", "", "") if protection is None else protection.partition(" ")
        attributes = get(ATTRIBUTES)
        business = get(BUSINESS)
        trace, correlation, causation = get("ce-traceparent"), get("ce-correlationid"), get("ce-causationid")
        return Event(
            partition,
            unescape(headers["ce-id"]),
            _unescaped(get("ce-source", "")),
            _unescaped(headers["ce-type"]),
            _version_in(headers["ce-dataschema"]),
            int(key),
            int(headers[TIME]),
            None if correlation is None else unescape(correlation),
            None if causation is None else unescape(causation),
            trace,
            bytes.fromhex(business) if business else b"",
            None if attributes is None else unescape(attributes).encode(),
            int(scheme),
            unescape(key_id) if key_id else None,
            body,
        )
    except (KeyError, ValueError) as error:
        raise Unreadable(f"its headers are not as we write them: {type(error).__name__}") from error


def _foreign(
    partition: int, headers: Mapping[str, str], body: bytes, stored_us: int, hasher: KeyHasher, place: str
) -> Event:
    found = {name.lower(): value for name, value in headers.items()}
    if found.get("content-type", "").lower().startswith(STRUCTURED) or "ce-specversion" not in found:
        document, data = _structured(body)
    else:
        document = {name[3:]: unescape(value) for name, value in found.items() if name.startswith("ce-")}
        data = body
    if document.get("specversion") != "1.0":
        raise Unreadable("it is no CloudEvent 1.0")
    event_id, source = _text(document, "id", MAX_ID), _text(document, "source", MAX_TEXT)
    event_type = _text(document, "type", MAX_TEXT)
    _check_json(data)
    key = document.get("partitionkey") or key_in(place, event_type) or f"{source}\x1f{event_id}"
    trace = document.get("traceparent")
    others = {
        name: value
        for name, value in document.items()
        if name not in _OWN and name not in ("partitionkey", "correlationid", "causationid", "traceparent")
    }
    return Event(
        partition,
        event_id,
        source,
        event_type,
        UNCHECKED,
        hasher.number(str(key)),
        stored_us,
        _optional(document, "correlationid"),
        _optional(document, "causationid"),
        trace if type(trace) is str and _TRACE.fullmatch(trace) else None,
        b"",
        orjson.dumps(others) if others else None,
        UNPROTECTED,
        None,
        data,
    )


def _structured(body: bytes) -> tuple[dict[str, Any], bytes]:
    """JSON event format, section 3: the attributes, and the data as JSON."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable("it has no ce- headers, and its body is no JSON") from error
    if type(document) is not dict:
        raise Unreadable("its body is no JSON object")
    if "data_base64" in document:
        raise Unreadable("its data is binary; contracts describe JSON")
    present = {name: value for name, value in document.items() if value is not None}
    if "data" not in document:
        raise Unreadable("it has no data")
    return present, orjson.dumps(document["data"])


def _check_json(data: bytes) -> None:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Unreadable("its data is no JSON") from error


def _text(document: Mapping[str, Any], name: str, limit: int) -> str:
    value = document.get(name)
    if type(value) is not str or not 0 < len(value) <= limit:
        raise Unreadable(f"its attribute {name} is missing, empty or longer than {limit} characters")
    return value


def _optional(document: Mapping[str, Any], name: str) -> str | None:
    value = document.get(name)
    return value if type(value) is str and value else None


def _attribute_headers(attributes: bytes) -> dict[str, str]:
    """The other attributes for those who read CloudEvents; ours are read back from their JSON."""
    found: dict[str, Any] = orjson.loads(attributes)
    return {f"ce-{name}": escape(_canonical(value)) for name, value in found.items()}


def _canonical(value: Any) -> str:
    """CloudEvents section 3.1, canonical string representation."""
    if type(value) is bool:
        return "true" if value else "false"
    return str(value)


@lru_cache(4096)
def _escaped(text: str) -> str:
    return escape(text)


@lru_cache(4096)
def _unescaped(text: str) -> str:
    return unescape(text)


@lru_cache(4096)
def _schema(event_type: str, version: str) -> str:
    """`dataschema` is a URI that ends in /<type>/<version>, as the edge takes it."""
    return escape(f"interlock:/{event_type}/{version}")


@lru_cache(4096)
def _version_in(schema: str) -> str:
    return unescape(schema).rpartition("/")[2]


def _time_text(time_us: int) -> str:
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"
