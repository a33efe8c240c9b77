"""Which fields of a schema carry no classification (keyword `x-classification`): what nobody may bind to yet."""

from __future__ import annotations

from typing import Any

from interlock.contracts.avro import schema as avro_schema
from interlock.contracts.avro.node import Node
from interlock.contracts.comparison import Kind
from interlock.contracts.lint.field_rules import CLASSES, FIELD_RULES
from interlock.contracts.lint.linter import Linter
from interlock.model.classification import KEYWORD

_LINTER = Linter(rule for rule in FIELD_RULES if rule.id == "FIELD_UNCLASSIFIED")


def unclassified(kind: Kind, document: Any) -> list[str]:
    """JSON Pointers, in order. `document` is sound and stands alone."""
    if kind == "avro":
        return sorted(_avro(avro_schema.read(document), set()))
    if not isinstance(document, dict):
        return [""]
    found = [flaw.pointer for flaw in _LINTER.flaws(document, governed=True)]
    if not found and "properties" not in document and document.get(KEYWORD) not in CLASSES:
        return [""]  # values of which no field is declared
    return found


def _avro(node: Node, seen: set[int]) -> set[str]:
    """A field is classified by itself, or by the fields that its type consists of."""
    if id(node) in seen:
        return set()
    seen.add(id(node))
    found: set[str] = set()
    for field in node.fields:
        if field.attributes.get(KEYWORD) in CLASSES:
            continue
        records = _records(field.node)
        found |= {field.place} if not records else set().union(*(_avro(one, seen) for one in records))
    if node.kind != "record" and node.attributes.get(KEYWORD) not in CLASSES:
        records = _records(node)
        found |= set().union(*(_avro(one, seen) for one in records)) if records else {node.place}
    return found


def _records(node: Node) -> list[Node]:
    """The records that a type leads to without a field in between; none when other values stand beside them."""
    if node.kind == "record":
        return [node]
    inner = [one for one in node.branches if one.kind != "null"] or ([node.items] if node.items else [])
    found = [_records(one) for one in inner]
    return [one for part in found for one in part] if found and all(found) else []
