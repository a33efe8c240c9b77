"""The rules of the JSON Schema diff, as data: what may change, whom it may hurt, and the smallest pair that shows it.

A rule's direction is the one that it may break; those of `_BOTH` may break either. Whether a change does break is not
the rule's to say: that is decided for the two documents at hand.
"""

from __future__ import annotations

import json
from typing import Any

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.comparison import Direction, Effect

_BOUND_WORDS = {
    "minimum": ("minimum", 1, 5), "exclusive-minimum": ("exclusiveMinimum", 1, 5),
    "min-length": ("minLength", 1, 5), "min-items": ("minItems", 1, 3), "min-properties": ("minProperties", 1, 3),
    "maximum": ("maximum", 1, 5), "exclusive-maximum": ("exclusiveMaximum", 1, 5),
    "max-length": ("maxLength", 1, 5), "max-items": ("maxItems", 1, 3), "max-properties": ("maxProperties", 1, 3),
}  # fmt: skip


def _rule(
    id: str, direction: Direction, purpose: str, old: Any, new: Any, mirror: str, effect: Effect = "breaking"
) -> ChangeRule:
    return ChangeRule(id, "json-schema", direction, effect, purpose, json.dumps(old), json.dumps(new), mirror)


def _pair(narrow: str, wide: str, said: tuple[str, str], loose: Any, tight: Any) -> tuple[ChangeRule, ChangeRule]:
    """A change that may break backward, and its mirror, which may break forward."""
    return (
        _rule(narrow, "backward", said[0], loose, tight, wide),
        _rule(wide, "forward", said[1], tight, loose, narrow),
    )


def _bounds() -> tuple[ChangeRule, ...]:
    found: list[ChangeRule] = []
    for word, (keyword, low, high) in _BOUND_WORDS.items():
        said = word.replace("-", " ")
        upward = word.startswith(("min", "exclusive-min"))
        loose, tight = ({keyword: low}, {keyword: high}) if upward else ({keyword: high}, {keyword: low})
        narrow, wide = ("raised", "lowered") if upward else ("lowered", "raised")
        found += _pair(
            f"{word}-{narrow}", f"{word}-{wide}",
            (f"The {said} was {narrow}: values that were taken are refused",
             f"The {said} was {wide}: values are taken that were refused"), loose, tight,
        )  # fmt: skip
        found += _pair(
            f"{word}-added", f"{word}-removed",
            (f"A {said} was added", f"The {said} was removed"), {}, tight,
        )  # fmt: skip
    return tuple(found)


def _contained(keyword: str, word: str, low: int, high: int) -> tuple[ChangeRule, ...]:
    one = {"type": "array", "contains": {"type": "string"}, keyword: low}
    other = {**one, keyword: high}
    loose, tight = (one, other) if keyword == "minContains" else (other, one)
    narrow, wide = ("raised", "lowered") if keyword == "minContains" else ("lowered", "raised")
    said = word.replace("-", " ")
    without = {"type": "array", "contains": {"type": "string"}}
    return (
        *_pair(
            f"{word}-{narrow}", f"{word}-{wide}", (f"The {said} was {narrow}", f"The {said} was {wide}"), loose, tight
        ),
        *_pair(f"{word}-added", f"{word}-removed", (f"A {said} was added", f"The {said} was removed"), without, tight),
    )


_A = {"type": "string"}
_CLOSED = {"properties": {"a": _A}, "additionalProperties": False}
_TWO = {"properties": {"a": _A, "b": _A}, "additionalProperties": False}
_ONE_OF = [{"type": "string"}, {"type": "null"}]
_IF = {"if": {"required": ["a"]}, "then": {"required": ["b"]}}
_ELSE = {"if": {"required": ["a"]}, "else": {"required": ["b"]}}
_SHAPES: tuple[ChangeRule, ...] = (
    *_pair("type-narrowed", "type-widened", ("Types that were taken are refused", "More types are taken"),
           {"type": ["string", "null"]}, {"type": "string"}),
    _rule("type-changed", "backward", "The type became another one", {"type": "string"}, {"type": "integer"},
          "none: its own mirror"),
    *_pair("enum-added", "enum-removed", ("Values are listed now; others are refused", "Values are no longer listed"),
           {"type": "string"}, {"type": "string", "enum": ["a"]}),
    *_pair("enum-value-removed", "enum-value-added", ("A listed value is refused now", "One more value is listed"),
           {"enum": ["a", "b"]}, {"enum": ["a"]}),
    _rule("enum-changed", "backward", "Very many listed values changed at once", {"enum": list(range(60))},
          {"enum": list(range(60, 120))}, "none: its own mirror"),
    *_pair("const-added", "const-removed", ("Only one value is taken now", "The value is no longer fixed"),
           {"type": "string"}, {"type": "string", "const": "a"}),
    _rule("const-changed", "backward", "The fixed value became another one", {"const": "a"}, {"const": "b"},
          "none: its own mirror"),
    *_pair("pattern-added", "pattern-removed", ("Texts have to match a pattern now", "Texts need not match any more"),
           _A, {"type": "string", "pattern": "^a"}),
    _rule("pattern-changed", "backward", "The pattern became another one", {"type": "string", "pattern": "^[a-z]$"},
          {"type": "string", "pattern": "^[a-c]$"}, "none: its own mirror"),
    *_pair("format-added", "format-removed", ("Texts have to be of a format now", "Texts need not be of the format"),
           _A, {"type": "string", "format": "date"}),
    _rule("format-changed", "backward", "The format became another one", {"type": "string", "format": "date"},
          {"type": "string", "format": "uuid"}, "none: its own mirror"),
    *_pair("multiple-of-added", "multiple-of-removed", ("Numbers must be multiples now", "Numbers may be others too"),
           {"type": "integer"}, {"type": "integer", "multipleOf": 5}),
    _rule("multiple-of-changed", "backward", "Numbers have to be multiples of another one", {"multipleOf": 2},
          {"multipleOf": 10}, "none: its own mirror"),
    *_pair("required-added", "required-removed", ("A property has to be there now", "A property may be missing now"),
           {"type": "object", "properties": {"a": _A}}, {"type": "object", "properties": {"a": _A}, "required": ["a"]}),
    *_pair("unique-items-added", "unique-items-removed", ("Items may not repeat now", "Items may repeat now"),
           {"type": "array"}, {"type": "array", "uniqueItems": True}),
    _rule("property-added-optional", "backward", "An optional property is declared: in an open model other values stood"
          " there, in a closed one none did", {"properties": {}}, {"properties": {"a": _A}}, "property-removed"),
    _rule("property-added-required", "backward", "A property is declared that has to be there", {"type": "object"},
          {"type": "object", "properties": {"a": _A}, "required": ["a"]}, "property-removed"),
    _rule("property-removed", "backward", "A property is no longer declared: a closed model refuses it, an open one"
          " takes any value there", _TWO, _CLOSED, "property-added-optional"),
    *_pair("additional-properties-closed", "additional-properties-opened",
           ("Undeclared properties are refused now", "Undeclared properties are taken now"),
           {"properties": {"a": _A}}, _CLOSED),
    *_pair("additional-properties-constrained", "additional-properties-freed",
           ("Undeclared properties must pass a schema now", "Undeclared properties pass more easily"),
           {"type": "object"}, {"type": "object", "additionalProperties": _A}),
    *_pair("pattern-property-added", "pattern-property-removed",
           ("Properties by pattern must pass a schema now", "Properties by pattern are no longer held to a schema"),
           {"type": "object"}, {"type": "object", "patternProperties": {"^x": _A}}),
    *_pair("property-names-added", "property-names-removed",
           ("Property names are held to a schema now", "Property names are free now"),
           {"type": "object"}, {"type": "object", "propertyNames": {"maxLength": 3}}),
    *_pair("unevaluated-properties-added", "unevaluated-properties-removed",
           ("Properties that nothing evaluates are held to a schema now", "Properties that nothing evaluates are free"),
           {"type": "object"}, {"type": "object", "unevaluatedProperties": False}),
    *_pair("unevaluated-items-added", "unevaluated-items-removed",
           ("Items that nothing evaluates are held to a schema now", "Items that nothing evaluates are free"),
           {"type": "array"}, {"type": "array", "unevaluatedItems": False}),
    *_pair("items-added", "items-removed", ("Items are held to a schema now", "Items are free now"),
           {"type": "array"}, {"type": "array", "items": _A}),
    *_pair("additional-items-added", "additional-items-removed",
           ("Items after the listed ones are held to a schema now", "Items after the listed ones are free"),
           {"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [_A]},
           {"$schema": "http://json-schema.org/draft-07/schema#", "type": "array", "items": [_A],
            "additionalItems": False}),
    *_pair("prefix-item-added", "prefix-item-removed",
           ("A position is held to a schema of its own now", "A position has no schema of its own any more"),
           {"type": "array"}, {"type": "array", "prefixItems": [_A]}),
    *_pair("contains-added", "contains-removed", ("Something must be contained now", "It need not be contained"),
           {"type": "array"}, {"type": "array", "contains": _A}),
    *_contained("minContains", "min-contains", 2, 3),
    *_contained("maxContains", "max-contains", 1, 3),
    *_pair("dependency-added", "dependency-removed",
           ("A property asks for others now", "A property no longer asks for others"),
           {"type": "object"}, {"type": "object", "dependentRequired": {"a": ["b"]}}),
    _rule("dependency-changed", "backward", "A property asks for others than before",
          {"type": "object", "dependentRequired": {"a": ["b"]}},
          {"type": "object", "dependentRequired": {"a": ["c"]}}, "none: its own mirror"),
    *_pair("dependent-schema-added", "dependent-schema-removed",
           ("Beside a property another schema holds now", "Beside a property no other schema holds any more"),
           {"type": "object"}, {"type": "object", "dependentSchemas": {"a": {"required": ["b"]}}}),
    *_pair("all-of-branch-added", "all-of-branch-removed",
           ("One more schema has to hold", "One schema less has to hold"),
           {"allOf": [{"type": "string"}]}, {"allOf": [{"type": "string"}, {"minLength": 3}]}),
    *_pair("any-of-branch-removed", "any-of-branch-added", ("An alternative went", "An alternative came"),
           {"anyOf": _ONE_OF}, {"anyOf": _ONE_OF[:1]}),
    *_pair("one-of-branch-removed", "one-of-branch-added",
           ("An alternative went", "An alternative came; what it shares with another is refused now"),
           {"oneOf": _ONE_OF}, {"oneOf": _ONE_OF[:1]}),
    *_pair("any-of-became-one-of", "one-of-became-any-of",
           ("What matches several alternatives is refused now", "What matches several alternatives is taken now"),
           {"anyOf": [{"minimum": 5}, {"maximum": 9}]}, {"oneOf": [{"minimum": 5}, {"maximum": 9}]}),
    *_pair("not-added", "not-removed", ("Values are excluded now", "Values are no longer excluded"),
           {}, {"not": {"type": "null"}}),
    *_pair("if-added", "if-removed", ("A condition was added", "A condition was removed"), {}, _IF),
    *_pair("then-added", "then-removed", ("A consequence was added", "A consequence was removed"),
           {"if": _IF["if"]}, _IF),
    *_pair("else-added", "else-removed", ("An alternative consequence was added", "An alternative consequence was"
           " removed"), {"if": _ELSE["if"]}, _ELSE),
    *_pair("schema-constrained", "schema-freed", ("Where anything was taken, a schema holds now", "Anything is taken"
           " now"), {"properties": {"a": True}}, {"properties": {"a": _A}}),
    _rule("schema-changed", "backward", "The schema as a whole refuses documents that it took",
          {"properties": {"a": _A}}, {"properties": {"a": False}}, "none: its own mirror"),
)  # fmt: skip

_ANNOTATED = {
    "title": "title", "description": "description", "default": "default", "examples": "examples",
    "deprecated": "deprecated", "read-only": "readOnly", "write-only": "writeOnly", "comment": "$comment",
}  # fmt: skip
_VALUES: dict[str, tuple[Any, Any]] = {
    "examples": ([1], [2]), "deprecated": (False, True), "readOnly": (False, True), "writeOnly": (False, True),
}  # fmt: skip


def _annotated() -> tuple[ChangeRule, ...]:
    found = []
    for word, keyword in _ANNOTATED.items():
        old, new = _VALUES.get(keyword, ("one", "other"))
        found.append(
            _rule(f"{word}-changed", "none", f"The {word.replace('-', ' ')} changed; no document is judged otherwise",
                  {keyword: old}, {keyword: new}, "none: its own mirror", "annotation")
        )  # fmt: skip
    found.append(_rule("dialect-changed", "none", "The schema speaks another draft of JSON Schema",
                       {"$schema": "http://json-schema.org/draft-07/schema#"},
                       {"$schema": "https://json-schema.org/draft/2020-12/schema"}, "none: its own mirror",
                       "annotation"))  # fmt: skip
    identity = ({"$id": "https://example.com/a"}, {"$id": "https://example.com/b"})
    found.append(_rule("id-changed", "none", "The schema has another name", *identity, "none: its own mirror",
                       "annotation"))  # fmt: skip
    low, high = {"x-classification": "public"}, {"x-classification": "pii"}
    found.append(_rule("classification-lowered", "none", "The field counts as less sensitive: what was masked may show",
                       high, low, "classification-raised", "safe"))  # fmt: skip
    found.append(_rule("classification-raised", "none", "The field counts as more sensitive", low, high,
                       "classification-lowered", "safe"))  # fmt: skip
    return tuple(found)


RULES: tuple[ChangeRule, ...] = (*_SHAPES, *_bounds(), *_annotated())
ANNOTATION_RULES = frozenset(rule.id for rule in RULES if rule.effect == "annotation")
# What LENIENT forgives: a property declared or not declared any more, whatever the content model.
FORGIVEN = frozenset({"property-added-optional", "property-removed"})
# May break either way, by what stands beside them.
_BOTH = frozenset({
    "type-changed", "enum-changed", "const-changed", "pattern-changed", "format-changed", "multiple-of-changed",
    "dependency-changed", "schema-changed", "schema-constrained", "schema-freed", "property-added-optional",
    "property-added-required", "property-removed", "pattern-property-added", "pattern-property-removed",
    "prefix-item-added", "prefix-item-removed", "one-of-branch-added", "one-of-branch-removed", "if-added",
    "if-removed", "all-of-branch-added", "all-of-branch-removed", "any-of-branch-added", "any-of-branch-removed",
    "contains-added", "contains-removed", "items-added", "items-removed",
})  # fmt: skip
_DIRECTIONS = {rule.id: rule.direction for rule in RULES}


def may_break(rule: str, direction: Direction) -> bool:
    """By the rule alone. Beneath a `not` or an `if` a narrowing widens, so every structural rule may."""
    return rule not in ANNOTATION_RULES and not rule.startswith("classification-") and rule in _DIRECTIONS


def mostly_breaks(rule: str, direction: Direction) -> bool:
    """What the rule breaks as a rule: who is accused first."""
    return rule in _BOTH or _DIRECTIONS.get(rule) == direction


def breaks_either_way(rule: str) -> bool:
    """By what stands beside it."""
    return rule in _BOTH
