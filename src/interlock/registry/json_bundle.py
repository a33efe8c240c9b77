"""A JSON Schema with the schemas that it refers to by name drawn in: one document that needs nothing from outside.

A reference is met by its name as it stands in `$ref`, or resolved against the `$id` of the document, as the serializers
of Confluent's clients do it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urldefrag, urljoin

from interlock.contracts.json_schema.dialect import REF_ALONE, dialect_of
from interlock.ports.schema_store import Reference

_DATA = ("enum", "const", "default", "examples", "example")


class Drawn(NamedTuple):
    """A schema that others refer to, with its own references."""

    place: tuple[str, int]
    document: Any
    references: tuple[Reference, ...]


def bundled(document: Any, references: Iterable[Reference], drawn: Iterable[Drawn]) -> Any:
    """`drawn`: all that the references lead to, directly or not. A `$ref` that nobody meets stays, to be refused."""
    others = list(drawn)
    if not others or not isinstance(document, dict):
        return document
    made = _moved(document, _namer(references, _base(document)))
    word = "definitions" if dialect_of(document) in REF_ALONE else "$defs"
    own = {_address(one.place): _under_its_address(one) for one in others}
    return {**made, word: {**made.get(word, {}), **own}}


def _address(place: tuple[str, int]) -> str:
    return f"urn:interlock:reference:{quote(place[0], safe='')}:{place[1]}"


def _under_its_address(one: Drawn) -> Any:
    """Its references to itself stay within it."""
    if not isinstance(one.document, dict):
        return one.document
    base = _base(one.document)
    to_others = _namer(one.references, base)

    def renamed(reference: str) -> str:
        uri, fragment = urldefrag(reference)
        if uri and base and urljoin(base, uri) == urldefrag(base)[0]:
            return f"#{fragment}"
        return to_others(reference)

    return {**_moved(one.document, renamed), _identity(one.document): _address(one.place)}


def _namer(references: Iterable[Reference], base: str) -> Callable[[str], str]:
    addresses = {one.name: _address((one.subject, one.version)) for one in references}
    resolved: Mapping[str, str] = {urljoin(base, name): address for name, address in addresses.items()} if base else {}

    def renamed(reference: str) -> str:
        uri, fragment = urldefrag(reference)
        address = addresses.get(uri) or (resolved.get(urljoin(base, uri)) if uri else None)
        if address is None:
            return reference
        return f"{address}#{fragment}" if fragment else address

    return renamed


def _base(document: dict[str, Any]) -> str:
    found = document.get(_identity(document))
    return found if isinstance(found, str) else ""


def _identity(document: dict[str, Any]) -> str:
    return "id" if dialect_of(document) == "4" else "$id"


def _moved(value: Any, renamed: Callable[[str], str]) -> Any:
    if isinstance(value, list):
        return [_moved(part, renamed) for part in value]
    if not isinstance(value, dict):
        return value
    made = {}
    for name, part in value.items():
        if name == "$ref" and isinstance(part, str):
            made[name] = renamed(part)
        else:
            made[name] = part if name in _DATA else _moved(part, renamed)
    return made
