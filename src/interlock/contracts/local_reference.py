"""`$ref` inside one document (RFC 6901 pointer in a URI fragment, RFC 3986 section 3.5). Nothing is ever fetched."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from interlock.contracts import pointer

MAX_HOPS = 64


class ReferenceInvalid(Exception):
    """`reference` cannot be followed, and why."""

    def __init__(self, reference: str, detail: str) -> None:
        super().__init__(detail)
        self.reference = reference
        self.detail = detail


def target(document: Any, reference: str) -> tuple[str, Any]:
    """Pointer and value that a reference means, one hop. Raises ReferenceInvalid for remote and dangling ones."""
    if not isinstance(reference, str):
        raise ReferenceInvalid(str(reference), "A $ref is a text.")
    if not reference.startswith("#"):
        raise ReferenceInvalid(reference, f"{reference} leaves the document; references are never fetched.")
    place = unquote(reference[1:])
    try:
        value = pointer.find(document, pointer.split(place))
    except ValueError:
        raise ReferenceInvalid(reference, f"{reference} is no JSON Pointer.") from None
    if value is pointer.ABSENT:
        raise ReferenceInvalid(reference, f"{reference} points at nothing.")
    return place, value


def followed(document: Any, value: Any, place: str = "") -> tuple[str, Any]:
    """Follows `$ref` after `$ref` until something else stands there. A circle that consumes nothing is invalid."""
    hops = 0
    while isinstance(value, dict) and isinstance(value.get("$ref"), str):
        hops += 1
        if hops > MAX_HOPS:
            raise ReferenceInvalid(value["$ref"], f"{value['$ref']} refers to itself and to nothing else.")
        place, value = target(document, value["$ref"])
    return place, value
