"""Records of foreign producers: CloudEvents Kafka protocol binding 1.0, both content modes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from interlock.adapters.cloud_event import STRUCTURED, foreign_event, structured
from interlock.model.event import Event
from interlock.model.hashing import KeyHasher

PREFIX = "ce_"
CONTENT_TYPE = "content-type"
MILLISECOND_US = 1000


class ForeignEvents:
    """The rule is that of `adapters.cloud_event`; the transport's key is the record's."""

    def __init__(self, secret: bytes) -> None:
        self._hasher = KeyHasher(secret)

    def __call__(
        self, headers: Mapping[str, bytes], key: bytes | None, value: bytes, partition: int, timestamp_ms: int
    ) -> Event:
        """ValueError when it is no event."""
        content_type = headers.get(CONTENT_TYPE, b"").decode()
        if content_type.partition(";")[0].strip().lower() == STRUCTURED:
            attributes, body = structured(value)
        else:
            attributes, body = binary(headers, content_type), value
        return foreign_event(
            attributes,
            body,
            partition=partition,
            key=text_of_key(key) if key else None,
            received_us=max(0, timestamp_ms) * MILLISECOND_US,
            hasher=self._hasher,
        )


def text_of_key(key: bytes) -> str:
    """Keys are any bytes; those that are no text stand in hexadecimal."""
    try:
        return key.decode()
    except UnicodeDecodeError:
        return key.hex()


def binary(headers: Mapping[str, bytes], content_type: str) -> dict[str, Any]:
    """Section 3.2: one header for each attribute, UTF-8; the content type is datacontenttype."""
    attributes: dict[str, Any] = {
        name.removeprefix(PREFIX): value.decode() for name, value in headers.items() if name.startswith(PREFIX)
    }
    if content_type:
        attributes["datacontenttype"] = content_type
    return attributes
