"""Where the parts of an OpenAPI document stand (3.1.1, section 4.8), as a table, and a walk along it.

Words of extensions, examples and schemas may be anything, so a walk by names alone would find parts that are none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.api_contract import METHODS

ONE, EACH, LIST = "one", "each", "list"
_MEDIA = {"content": (EACH, "media")}
_PARAMETER = {"schema": (ONE, "schema"), **_MEDIA}
# Kind of part → word → whether one, a mapping to several or a list of them stands there, and what they are.
PARTS: dict[str, dict[str, tuple[str, str]]] = {
    "document": {"paths": (EACH, "path"), "webhooks": (EACH, "path"), "components": (ONE, "components")},
    "components": {
        "schemas": (EACH, "schema"), "responses": (EACH, "response"), "parameters": (EACH, "parameter"),
        "requestBodies": (EACH, "body"), "headers": (EACH, "parameter"), "callbacks": (EACH, "callback"),
        "pathItems": (EACH, "path"),
    },
    "path": {"parameters": (LIST, "parameter"), **dict.fromkeys(METHODS, (ONE, "operation"))},
    "operation": {
        "parameters": (LIST, "parameter"), "requestBody": (ONE, "body"), "responses": (EACH, "response"),
        "callbacks": (EACH, "callback"),
    },
    "response": {"headers": (EACH, "parameter"), **_MEDIA},
    "parameter": _PARAMETER,
    "body": _MEDIA,
    "media": {"schema": (ONE, "schema"), "encoding": (EACH, "encoding")},
    "encoding": {"headers": (EACH, "parameter")},
}  # fmt: skip

Found = tuple[str, dict[str, Any], str]


def parts(document: Mapping[str, Any], wanted: str) -> Iterator[Found]:
    """(kind, part, pointer) of each part of the wanted kind that is an object; parts behind a $ref stand elsewhere."""
    stack: list[tuple[str, Any, str]] = [("document", document, "")]
    while stack:
        kind, value, place = stack.pop()
        if not isinstance(value, dict):
            continue
        if kind == wanted:
            yield kind, value, place
        if "$ref" not in value or kind == "path":
            stack.extend(reversed(list(_inside(kind, value, place))))


def _inside(kind: str, value: dict[str, Any], place: str) -> Iterator[tuple[str, Any, str]]:
    if kind == "callback":
        yield from (("path", part, f"{place}{pointer.join([name])}") for name, part in value.items())
        return
    for word, (amount, inner) in PARTS.get(kind, {}).items():
        found, where = value.get(word), f"{place}/{word}"
        if amount == ONE:
            yield inner, found, where
        elif amount == EACH and isinstance(found, dict):
            yield from ((inner, part, f"{where}{pointer.join([name])}") for name, part in found.items())
        elif amount == LIST and isinstance(found, list):
            yield from ((inner, part, f"{where}/{at}") for at, part in enumerate(found))
