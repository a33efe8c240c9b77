"""Which operations of a contract speak of the same things: a collection, and an item of it by its id.

Read from the contract: `/orders` with POST or GET is the collection of `/orders/{orderId}`; the id stands in the
answer under the parameter's own name, under `id`, or under the parameter's name without the collection's
(`order_id`, `orderId`, `{order}` → `id`).
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.api.description import ApiDescription, Operation
from interlock.contracts.api.schema_bundle import resolved

MAX_ITEMS = 10_000
GONE: Any = object()
_ITEM = re.compile(r"(?P<collection>.+)/\{(?P<variable>[^{}/]+)\}")


@dataclass(frozen=True, slots=True)
class Resource:
    """`id_field` is the field of an item that holds its id; `id_schema` what the id may be."""

    collection: str
    item: str
    variable: str
    id_field: str
    id_schema: Any


def resources(api: ApiDescription) -> dict[str, Resource]:
    """By the path templates of collection and item alike."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in api.operations:
        paths.setdefault(operation.path, {})[operation.method] = operation
    found: dict[str, Resource] = {}
    for path, methods in paths.items():
        match = _ITEM.fullmatch(path)
        if match is None or match["collection"] not in paths:
            continue
        creating = paths[match["collection"]].get("POST")
        fields = _fields(api, methods.get("GET")) or _fields(api, creating)
        id_field = _id_field(match["variable"], match["collection"], fields)
        if id_field is not None:
            id_schema = api.bundle(fields[id_field], "response", pointer.join(["paths", path]))
            made = Resource(match["collection"], path, match["variable"], id_field, resolved(id_schema, id_schema))
            found[path] = found[match["collection"]] = made
    return found


def _fields(api: ApiDescription, operation: Operation | None) -> dict[str, Any]:
    """The fields of the first successful JSON answer, each with its schema as the document writes it.

    Read in place: a bundle of each answer would take a document of megabytes apart as often as it has answers.
    """
    for status, answer in sorted(operation.answers.items()) if operation else ():
        for media in answer.content.values() if status.startswith("2") else ():
            fields = _properties(api, media.schema, media.place)
            if fields:
                return fields
    return {}


def _properties(api: ApiDescription, schema: Any, place: str, depth: int = 0) -> dict[str, Any]:
    schema = api.followed(schema, place)
    if not isinstance(schema, Mapping) or depth > 8:
        return {}
    found = dict(schema.get("properties") or {})
    for word in ("allOf", "oneOf", "anyOf"):
        for part in schema.get(word) or ():
            found = {**_properties(api, part, place, depth + 1), **found}
    return found


def _id_field(variable: str, collection: str, fields: Mapping[str, Any]) -> str | None:
    plain = {_plain(name): name for name in reversed(list(fields))}
    noun = _plain(collection.rpartition("/")[2])
    short = _plain(variable)
    for stem in (noun.removesuffix("s"), noun, noun.removesuffix("es")):
        if stem and short.startswith(stem):
            short = short[len(stem) :]
            break
    return next((plain[name] for name in (_plain(variable), short or "id", "id") if name in plain), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@dataclass(slots=True)
class Shelf:
    """What callers have created, by collection (the concrete path) and id. Bounded: the oldest goes first."""

    limit: int = MAX_ITEMS
    _items: OrderedDict[tuple[str, str], Any] = field(default_factory=OrderedDict)
    _touched: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return sum(1 for item in self._items.values() if item is not GONE)

    def put(self, collection: str, key: str, item: Any) -> None:
        self._touched.add(collection)
        self._items[collection, key] = item
        while len(self._items) > self.limit:
            self._items.popitem(last=False)

    def get(self, collection: str, key: str) -> Any:
        """The item, GONE when it was deleted, None when nobody spoke of it here."""
        return self._items.get((collection, key))

    def all(self, collection: str) -> list[Any] | None:
        """None as long as nobody changed the collection."""
        if collection not in self._touched:
            return None
        return [item for (of, _), item in self._items.items() if of == collection and item is not GONE]

    def clear(self) -> None:
        self._items.clear()
        self._touched.clear()
