"""Whether a value passes a schema, looking only at what the value touches: a schema may reach the whole document."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeGuard

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.facts import matches
from interlock.contracts.json_schema.validator import compiled
from interlock.contracts.openapi.api_document import dumped
from interlock.contracts.openapi.place import Place
from interlock.contracts.openapi.schema_view import SchemaView, kind_of_value

MAX_DEPTH = 40
_RANGES = {"int32": 2**31, "int64": 2**63}


def admits(view: SchemaView, value: Any, depth: int = 0) -> bool:
    """As JSON Schema 2020-12 judges with formats asserted; beneath MAX_DEPTH everything passes."""
    if depth > MAX_DEPTH:
        return True
    if view.never:
        return False
    if value is None:
        return view.nullable
    kind = kind_of_value(value)
    if kind not in view.types:
        return False
    if view.values is not None and dumped(value) not in {dumped(one) for one in view.values}:
        return False
    check = _OF_KIND.get(kind)
    return (check is None or check(view, value, depth)) and _composed(view, value, depth)


def _composed(view: SchemaView, value: Any, depth: int) -> bool:
    for choice in view.choices:
        passing = sum(_passes(view, *branch, value, depth) for branch in choice.branches)
        if not passing or (choice.keyword == "oneOf" and passing > 1):
            return False
    for schema, place in view.parts:
        if "not" in schema and _passes(view, schema["not"], (place, "not"), value, depth):
            return False
        if "if" in schema:
            branch = "then" if _passes(view, schema["if"], (place, "if"), value, depth) else "else"
            if branch in schema and not _passes(view, schema[branch], (place, branch), value, depth):
                return False
    return True


def _passes(view: SchemaView, schema: Any, place: Place, value: Any, depth: int) -> bool:
    return admits(view.schemas.view(view.schemas.node(schema, place)), value, depth + 1)


def _number(view: SchemaView, value: Any, depth: int) -> bool:
    for schema, _ in view.parts:
        low, high = schema.get("minimum"), schema.get("maximum")
        open_low, open_high = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if _numeric(low) and (value < low or (open_low is True and value == low)):
            return False
        if _numeric(high) and (value > high or (open_high is True and value == high)):
            return False
        if (_numeric(open_low) and value <= open_low) or (_numeric(open_high) and value >= open_high):
            return False
        step = schema.get("multipleOf")
        if _numeric(step) and step > 0 and Fraction(str(value)) % Fraction(str(step)):
            return False
        limit = _RANGES.get(str(schema.get("format")))
        if limit is not None and not -limit <= value < limit:
            return False
    return True


def _text(view: SchemaView, value: str, depth: int) -> bool:
    for schema, _ in view.parts:
        if not _sized(schema, "Length", len(value)):
            return False
        pattern, named = schema.get("pattern"), schema.get("format")
        if isinstance(pattern, str) and not _matching(pattern, value):
            return False
        if isinstance(named, str) and not _formatted(named, value):
            return False
    return True


def _array(view: SchemaView, value: list[Any], depth: int) -> bool:
    for schema, place in view.parts:
        if not _sized(schema, "Items", len(value)):
            return False
        if schema.get("uniqueItems") is True and len({dumped(one) for one in value}) < len(value):
            return False
        if "contains" in schema:
            found = sum(_passes(view, schema["contains"], (place, "contains"), one, depth) for one in value)
            if not schema.get("minContains", 1) <= found <= schema.get("maxContains", found):
                return False
    for at, one in enumerate(value):
        node = view.item(at if at < view.listed_items else None)
        if node is not None and not admits(view.schemas.view(node), one, depth + 1):
            return False
    return True


def _object(view: SchemaView, value: dict[str, Any], depth: int) -> bool:
    if any(name not in value for name in view.required):
        return False
    if any(not _sized(schema, "Properties", len(value)) for schema, _ in view.parts):
        return False
    for schema, place in view.parts:
        for name, wanted in (schema.get("dependentRequired") or {}).items():
            if name in value and any(one not in value for one in wanted):
                return False
        for name, dependent in (schema.get("dependentSchemas") or {}).items():
            there: Place = ((place, "dependentSchemas"), name)
            if name in value and not _passes(view, dependent, there, value, depth):
                return False
        if "propertyNames" in schema and any(
            not _passes(view, schema["propertyNames"], (place, "propertyNames"), name, depth) for name in value
        ):
            return False
    return all(_property(view, name, one, depth) for name, one in value.items())


def _property(view: SchemaView, name: str, value: Any, depth: int) -> bool:
    known = name in view.declared
    if known and not admits(view.schemas.view(view.at_name(name)), value, depth + 1):
        return False
    for schema, place in view.parts:
        patterns = schema.get("patternProperties")
        for pattern, one in (patterns if isinstance(patterns, dict) else {}).items():
            if _matching(pattern, name):
                known = True
                if not _passes(view, one, ((place, "patternProperties"), pattern), value, depth):
                    return False
    if known:
        return True
    if view.closed:
        return False
    return view.additional is None or admits(view.schemas.view(view.additional), value, depth + 1)


_OF_KIND: dict[str, Any] = {
    "integer": _number, "number": _number, "string": _text, "array": _array, "object": _object,
}  # fmt: skip


def _sized(schema: dict[str, Any], word: str, size: int) -> bool:
    low, high = schema.get(f"min{word}"), schema.get(f"max{word}")
    return not (_numeric(low) and size < low) and not (_numeric(high) and size > high)


def _numeric(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _matching(pattern: str, text: str) -> bool:
    try:
        return matches(pattern, text)
    except ContractInvalid:
        return True  # it is no pattern, so nobody can hold a text to it


@lru_cache(maxsize=500)
def _format(named: str) -> Any:
    return compiled({"format": named})


def _formatted(named: str, text: str) -> bool:
    return bool(_format(named).is_valid(text))
