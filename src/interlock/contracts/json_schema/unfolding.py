"""How often a validator looks at one value: `$ref` in `anyOf` in `$ref` … doubles with each step, and forty steps of a
few bytes each are more than any machine does. Such a schema is refused before a validator sees a value."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.schema_document import SchemaDocument

MAX_LOOKS = 100_000
_ONE = ("not", "if", "then", "else")
_MANY = ("allOf", "anyOf", "oneOf")
_DATA = frozenset({"enum", "const", "default", "examples", "example"})


def refuse_unfolding(root: Any) -> None:
    """Raises ContractInvalid for a schema beyond MAX_LOOKS, and for one that refers to itself and to nothing else."""
    document = SchemaDocument(root)
    looks: dict[int, int] = {}
    for schema in _schemas(root):
        _count(document, schema, looks)


def _count(document: SchemaDocument, start: dict[str, Any], looks: dict[int, int]) -> None:
    """Each schema once, after those that it applies to the same value: a stack, since chains may be long."""
    open_: set[int] = set()
    stack: list[tuple[dict[str, Any], bool]] = [(start, False)]
    while stack:
        schema, done = stack.pop()
        if id(schema) in looks:
            continue
        applied = [part for part in _applied(document, schema) if isinstance(part, dict)]
        if done:
            open_.discard(id(schema))
            looks[id(schema)] = total = 1 + sum(looks[id(part)] for part in applied)
            if total > MAX_LOOKS:
                raise ContractInvalid("", f"To validate one value takes more than {MAX_LOOKS:,} looks at it.")
            continue
        if id(schema) in open_:
            raise ContractInvalid("", "A schema refers to itself and to nothing else.")
        open_.add(id(schema))
        stack.append((schema, True))
        for part in applied:
            if id(part) in open_:
                raise ContractInvalid("", "A schema refers to itself and to nothing else.")
            stack.append((part, False))


def _applied(document: SchemaDocument, schema: dict[str, Any]) -> Iterator[Any]:
    """The schemas that hold for the same value. What leads out of the document is the compiler's to refuse."""
    if isinstance(schema.get("$ref"), str):
        try:
            yield document.target(schema, schema["$ref"])
        except ContractInvalid:
            return
        if document.ref_alone:
            return
    for name in _ONE:
        yield schema.get(name)
    for name in _MANY:
        parts = schema.get(name)
        yield from parts if isinstance(parts, list) else ()
    dependent = schema.get("dependentSchemas")
    yield from dependent.values() if isinstance(dependent, dict) else ()


def _schemas(root: Any) -> Iterator[dict[str, Any]]:
    stack = [root]
    while stack:
        value = stack.pop()
        if isinstance(value, list):
            stack.extend(value)
        elif isinstance(value, dict):
            yield value
            stack.extend(part for name, part in value.items() if name not in _DATA)
