"""How the Confluent registry reads two schemas, as changes to them before they are compared as sets.

SETS changes nothing. STRICT: `format` says nothing, and a property that becomes required does no harm where it has a
default. LENIENT besides lets a property be declared or not declared any more, and undeclared ones be refused or held
to a schema. (Schema Evolution and Compatibility, 'JSON Schema compatibility policies'.)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.comparison import Direction, Reading
from interlock.contracts.json_schema.keywords import BY_NAME, DATA
from interlock.contracts.json_schema.undo import replaced
from interlock.contracts.json_schema.walk import Fact
from interlock.contracts.pointer import ABSENT

_DECLARED = frozenset({"property-added-optional", "property-added-required", "property-removed"})
_CLOSED = frozenset({
    "additional-properties-closed", "additional-properties-constrained", "additional-properties-opened",
    "additional-properties-freed",
})  # fmt: skip
_FORMAT = frozenset({"format-added", "format-removed", "format-changed"})


def read(sub: Any, sup: Any, facts: Iterable[Fact], reading: Reading, direction: Direction) -> tuple[Any, Any]:
    """`sub` and `sup` as this reading sees them: whether sup takes what sub takes is asked of these."""
    if reading == "SETS":
        return sub, sup
    sub, sup = _without_formats(sub), _without_formats(sup)
    for fact in facts:
        ours, theirs = (fact.at, fact.to) if direction == "backward" else (fact.to, fact.at)
        if fact.name:
            sup = _with_default(sub, sup, ours, theirs, fact.name)
        if reading == "LENIENT":
            sub, sup = _lenient(sub, sup, ours, theirs, fact)
    return sub, sup


def forgiven(fact: Fact, reading: Reading) -> bool:
    """Whether a fact can do no harm in this reading, whatever the documents."""
    if reading == "LENIENT" and (fact.rule in _CLOSED or fact.rule in _DECLARED - {"property-added-required"}):
        return True
    return reading != "SETS" and fact.rule in _FORMAT


def _with_default(sub: Any, sup: Any, ours: tuple[str, ...], theirs: tuple[str, ...], name: str) -> Any:
    before, after = pointer.find(sub, ours), pointer.find(sup, theirs)
    if not isinstance(after, dict) or name not in (after.get("required") or ()):
        return sup
    declared = after.get("properties", {}).get(name)
    needed = isinstance(before, dict) and name in (before.get("required") or ())
    if needed or not isinstance(declared, dict) or "default" not in declared:
        return sup
    return replaced(sup, (*theirs, "required"), [one for one in after["required"] if one != name])


def _lenient(sub: Any, sup: Any, ours: tuple[str, ...], theirs: tuple[str, ...], fact: Fact) -> tuple[Any, Any]:
    if fact.rule in _DECLARED:
        sub = _undeclared(sub, ours, fact.name, needed=False)
        sup = _undeclared(sup, theirs, fact.name, needed=True)
    elif fact.rule in _CLOSED:
        taken = pointer.find(sub, (*ours, "additionalProperties"))
        sup = replaced(sup, (*theirs, "additionalProperties"), True if taken is ABSENT else taken)
    return sub, sup


def _undeclared(root: Any, place: tuple[str, ...], name: str, *, needed: bool) -> Any:
    """Without the property; without its being required, too, unless that stays `needed`."""
    schema = pointer.find(root, place)
    if not isinstance(schema, dict) or name not in schema.get("properties", {}):
        return root
    if needed and name in (schema.get("required") or ()):
        return root
    root = replaced(root, (*place, "properties", name), ABSENT)
    kept = [one for one in schema.get("required") or () if one != name]
    return replaced(root, (*place, "required"), kept) if "required" in schema else root


def _without_formats(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_formats(part) for part in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for name, part in value.items():
        if name in BY_NAME and isinstance(part, dict):
            made[name] = {one: _without_formats(inner) for one, inner in part.items()}
        elif name in DATA:
            made[name] = part
        elif name != "format":
            made[name] = _without_formats(part)
    return made
