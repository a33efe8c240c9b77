"""References that lead nowhere, out, round in a circle, or to each other without measure, told with their place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.keywords import parts
from interlock.contracts.json_schema.schema_document import SchemaDocument

# Schemas in these judge the same value as the schema around them: nothing is consumed on the way.
_IN_PLACE = ("not", "if", "then", "else")
_IN_PLACE_LISTS = ("allOf", "anyOf", "oneOf")
MAX_LOOKS = 1_000_000
_META_SCHEMAS = ("http://json-schema.org/", "https://json-schema.org/")
_BUNDLE = "Put what it refers to into this document, below $defs: nothing is fetched."
_POINT = "Correct the reference, or add what it points at."
_FEWER = "Let each schema be referred to once on the way, or write out what it comes to."
_BREAK = "Let something stand between the reference and its own target, such as a property or an item."


def dangling(document: SchemaDocument) -> ContractInvalid | None:
    """The first reference that cannot be followed."""
    for place, schema in _schemas(document.root):
        reference = schema.get("$ref")
        if isinstance(reference, str) and not reference.startswith(_META_SCHEMAS):
            try:
                document.target(schema, reference)
            except ContractInvalid as problem:
                step = _POINT if reference.startswith("#") else _BUNDLE
                return ContractInvalid(pointer.join((*place, "$ref")), problem.detail, step)
            except ValueError:
                detail = f"{reference} is no reference: a JSON Pointer begins with a slash."
                return ContractInvalid(pointer.join((*place, "$ref")), detail, _POINT)
    return None


def circle(document: SchemaDocument) -> ContractInvalid | None:
    """A schema that asks itself about the same value. Recursion through a property or an item is none."""
    places = {id(schema): place for place, schema in _schemas(document.root)}
    done: set[int] = set()
    for _, schema in _schemas(document.root):
        found = _circle_from(document, schema, done)
        if found is not None:
            place = places.get(id(found), ())
            said = "The schema refers to itself and to nothing else: no value can be judged by it."
            return ContractInvalid(pointer.join((*place, "$ref") if "$ref" in found else place), said, _BREAK)
    return None


def bomb(document: SchemaDocument) -> ContractInvalid | None:
    """A schema that would look at one value more than MAX_LOOKS times. Circles have been refused before."""
    looks: dict[int, int] = {}
    for place, schema in _schemas(document.root):
        if _looks(document, schema, looks) > MAX_LOOKS:
            said = f"The schema looks at one value more than {MAX_LOOKS:,} times, by references within references."
            return ContractInvalid(pointer.join(place), said, _FEWER)
    return None


def _looks(document: SchemaDocument, start: dict[str, Any], looks: dict[int, int]) -> int:
    """How many schemas judge the same value, those met twice counted twice; kept in `looks` by identity."""
    stack = [start]
    while stack:
        schema = stack[-1]
        below = list(_asked(document, schema))
        missing = [one for one in below if id(one) not in looks]
        if missing:
            stack.extend(missing)
        else:
            stack.pop()
            looks[id(schema)] = min(1 + sum(looks[id(one)] for one in below), MAX_LOOKS + 1)
    return looks[id(start)]


def _circle_from(document: SchemaDocument, start: dict[str, Any], done: set[int]) -> dict[str, Any] | None:
    """The schema whose next step leads back to one that is still open."""
    if id(start) in done:
        return None
    open_ids = {id(start)}
    stack = [(start, _asked(document, start))]
    while stack:
        schema, asked = stack[-1]
        following = next(asked, None)
        if following is None:
            stack.pop()
            open_ids.discard(id(schema))
            done.add(id(schema))
        elif id(following) in open_ids:
            return schema
        elif id(following) not in done:
            open_ids.add(id(following))
            stack.append((following, _asked(document, following)))
    return None


def _asked(document: SchemaDocument, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The schemas that judge the same value."""
    reference = schema.get("$ref")
    if isinstance(reference, str):
        try:
            found = document.target(schema, reference)
        except (ContractInvalid, ValueError):
            found = True  # dangling, or a meta-schema
        if isinstance(found, dict):
            yield found
        if document.ref_alone:
            return
    for name in _IN_PLACE:
        if isinstance(schema.get(name), dict):
            yield schema[name]
    for name in _IN_PLACE_LISTS:
        if isinstance(schema.get(name), list):
            yield from (part for part in schema[name] if isinstance(part, dict))
    if isinstance(schema.get("dependentSchemas"), dict):
        yield from (part for part in schema["dependentSchemas"].values() if isinstance(part, dict))


def _schemas(root: Any) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Every object that may be a schema, with its place, the root first."""
    stack: list[tuple[tuple[str, ...], Any]] = [((), root)]
    while stack:
        place, value = stack.pop()
        if isinstance(value, dict):
            yield place, value
            stack.extend(((*place, *tokens), part) for tokens, part in parts(value))
        elif isinstance(value, list):
            stack.extend(((*place, str(at)), part) for at, part in enumerate(value))
