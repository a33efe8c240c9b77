"""The rules of the Avro diff, as data: what may change, whom it may hurt, and the smallest pair that shows it.

A rule's direction and effect are those of its example. Whether a change does break is not the rule's to say: that is
decided by resolving the two schemas at hand, each as the reader of what the other one writes.
"""

from __future__ import annotations

import json
from typing import Any

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.comparison import Direction, Effect

_OWN = "none: its own mirror"


def _rule(
    id: str, direction: Direction, purpose: str, old: Any, new: Any, mirror: str = _OWN, effect: Effect = "breaking"
) -> ChangeRule:
    return ChangeRule(id, "avro", direction, effect, purpose, json.dumps(old), json.dumps(new), mirror)


def _pair(
    ids: tuple[str, str], purposes: tuple[str, str], old: Any, new: Any,
    sides: tuple[Direction, Direction] = ("backward", "forward"), effect: Effect = "breaking",
) -> tuple[ChangeRule, ChangeRule]:  # fmt: skip
    """Two rules that mirror each other; the second's example is the first's turned round."""
    first, second = ids
    return (
        _rule(first, sides[0], purposes[0], old, new, second, effect),
        _rule(second, sides[1], purposes[1], new, old, first, effect),
    )


def _safe(id: str, purpose: str, old: Any, new: Any, mirror: str = _OWN) -> ChangeRule:
    return _rule(id, "none", purpose, old, new, mirror, "safe")


def _words(id: str, purpose: str, old: Any, new: Any) -> ChangeRule:
    return _rule(id, "none", purpose, old, new, _OWN, "annotation")


def _record(*fields: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", **others, "fields": list(fields)}


def _enum(symbols: str, **others: Any) -> dict[str, Any]:
    return {"type": "enum", "name": "E", "symbols": list(symbols), **others}


def _long(logical: str) -> dict[str, Any]:
    return {"type": "long", "logicalType": logical}


def _decimal(precision: int, scale: int) -> dict[str, Any]:
    return {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}


_A: dict[str, Any] = {"name": "a", "type": "int"}
_B: dict[str, Any] = {"name": "b", "type": "int"}
_B0: dict[str, Any] = _B | {"default": 0}
_NONE: tuple[Direction, Direction] = ("none", "none")

RULES: tuple[ChangeRule, ...] = (
    *_pair(("field-added-without-default", "field-without-default-removed"),
           ("A field without a default was added: data written before has no value for it",
            "A field without a default was removed: old readers find no value for it"), _record(_A), _record(_A, _B)),
    *_pair(("field-added", "field-removed"), ("A field with a default was added", "A field with a default was removed"),
           _record(_A), _record(_A, _B0), _NONE, "safe"),
    _rule("field-renamed", "forward", "A field has another name, and an alias for it: the other side has none",
          _record(_A), _record(_A | {"name": "b", "aliases": ["a"]})),
    _safe("fields-reordered", "Fields stand in another order: readers go by names, sorting does not",
          _record(_A, _B), _record(_B, _A)),
    *_pair(("default-added", "default-removed"),
           ("A default was added", "A default was removed: data of versions without the field cannot be read any more"),
           _record(_A, _B), _record(_A, _B0), _NONE, "safe"),
    _safe("default-changed", "A default became another one: readers fill in another value",
          _record(_A, _B0), _record(_A, _B | {"default": 1})),
    _rule("alias-ambiguous", "backward", "By names and aliases a field may be one of two: readers disagree which",
          _record(_A, _B), _record(_A | {"aliases": ["b"]}),
          "none: only the side that reads has aliases that count"),
    *_pair(("alias-added", "alias-removed"),
           ("An alias was added", "An alias was removed: what was written under that name is not found any more"),
           _record(_A), _record(_A | {"aliases": ["z"]}), _NONE, "safe"),
    *_pair(("type-narrowed", "type-widened"),
           ("A number type became a narrower one: wider values cannot be read",
            "A number type became a wider one: old readers cannot read it"), "long", "int"),
    _rule("type-changed", "backward", "A type became another one that does not read it", "string", "int"),
    _safe("string-bytes-exchanged", "A string became bytes, or bytes a string: bytes that are no UTF-8 are no text",
          _record(_A | {"type": "string"}), _record(_A | {"type": "bytes"})),
    _rule("type-renamed", "backward", "A named type has another name, without an alias for the old one",
          _record(_A), _record(_A) | {"name": "S"}),
    _safe("namespace-changed", "A named type moved to another namespace: readers go by the last name, code does not",
          _record(_A, namespace="x"), _record(_A, namespace="y")),
    *_pair(("union-removed", "union-introduced"),
           ("A union became one of its types: the others cannot be read", "A type became one of several in a union"),
           ["null", "string"], "string"),
    *_pair(("union-branch-removed", "union-branch-added"),
           ("A type was taken out of a union", "A type was added to a union: old readers do not know it"),
           ["null", "string", "int"], ["null", "string"]),
    _safe("union-reordered", "The types of a union stand in another order", ["null", "string"], ["string", "null"]),
    *_pair(("enum-symbol-removed", "enum-symbol-added"),
           ("A symbol was removed, and readers have no default for it",
            "A symbol was added, and old readers have no default for it"), _enum("AB"), _enum("A")),
    _safe("enum-symbols-reordered", "Symbols stand in another order: readers go by names, sorting does not",
          _enum("AB"), _enum("BA")),
    *_pair(("enum-default-added", "enum-default-removed"),
           ("Unknown symbols are read as a default now", "Unknown symbols are no longer read as a default"),
           _enum("AB"), _enum("AB", default="A"), _NONE, "safe"),
    _safe("enum-default-changed", "Unknown symbols are read as another default", _enum("AB", default="A"),
          _enum("AB", default="B")),
    _rule("fixed-size-changed", "backward", "A fixed has another size", {"type": "fixed", "name": "F", "size": 4},
          {"type": "fixed", "name": "F", "size": 8}),
    _rule("decimal-changed", "backward", "A decimal has another precision or scale: its digits mean another number",
          _decimal(4, 2), _decimal(4, 1)),
    _rule("logical-type-changed", "backward", "Values mean something else: they are read, and misread",
          _long("timestamp-millis"), _long("timestamp-micros")),
    *_pair(("logical-type-added", "logical-type-removed"),
           ("Values are read as a logical type now", "Values are no longer read as a logical type"),
           _record(_A | {"type": "long"}), _record(_A | {"type": _long("timestamp-millis")}), _NONE, "safe"),
    *_pair(("classification-lowered", "classification-raised"),
           ("The field counts as less sensitive: what was masked may show", "The field counts as more sensitive"),
           _record(_A | {"x-classification": "pii"}), _record(_A | {"x-classification": "public"}), _NONE, "safe"),
    _words("doc-changed", "The doc changed; nothing is read otherwise", _record(_A, doc="one"), _record(_A, doc="two")),
    _words("order-changed", "A field sorts otherwise; nothing is read otherwise",
           _record(_A), _record(_A | {"order": "ignore"})),
    _words("attribute-changed", "A word that Avro does not know changed; nothing is read otherwise",
           _record(_A | {"x-unit": "m"}), _record(_A | {"x-unit": "km"})),
)  # fmt: skip
BY_ID = {rule.id: rule for rule in RULES}
