"""What may stand where in a contract, as text, compiled into tables for the walk.

A line without indent opens a kind; the indented ones are its members:

    name! string|integer    a required member, of one of these JSON types
    ^pattern Kind           members whose name matches; for those that no other line names
    name &Kind              of that kind, or a Reference Object to one
    name [Kind]  {Kind}     a list, a mapping of them
    name any @3.1           of any type, and not looked into; only in this version

Members that begin with "x-" are extensions wherever they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.contracts.lint.rule import LintRule

_LINE = re.compile(r"  (?P<name>\S+?)(?P<required>!?) (?P<what>\S+)(?: @(?P<version>\S+))?")
_WHAT = re.compile(r"(?P<open>[\[{]?)(?P<reference>&?)(?P<what>[^\]}]+)[\]}]?")
_TYPES: Mapping[str, frozenset[type]] = {
    "string": frozenset({str}),
    "boolean": frozenset({bool}),
    "integer": frozenset({int}),
    "number": frozenset({int, float}),
    "array": frozenset({list}),
    "object": frozenset({dict}),
    "null": frozenset({type(None)}),
    "any": frozenset({str, bool, int, float, list, dict, type(None)}),
}
Shape = Literal["one", "list", "map"]
_SHAPES: Mapping[str, Shape] = {"": "one", "[": "list", "{": "map"}


@dataclass(slots=True)
class Slot:
    """A member of a kind. `kind` is None where only the JSON type is known; `words` says the type to people.

    checks  rules that look at the owner of this member when it is there
    """

    shape: Shape
    types: frozenset[type]
    words: str
    may_refer: bool = False
    kind: Kind | None = None
    checks: tuple[LintRule, ...] = ()


@dataclass(slots=True)
class Kind:
    """A kind of object. `always` are the rules that look at each one of it; `ends` those at the end of the document."""

    name: str
    slots: dict[str, Slot] = field(default_factory=dict)
    patterns: list[tuple[re.Pattern[str], Slot]] = field(default_factory=list)
    required: tuple[str, ...] = ()
    always: tuple[LintRule, ...] = ()
    ends: tuple[LintRule, ...] = ()

    def slot(self, name: str) -> Slot | None:
        """Of a member that no line names outright."""
        for pattern, slot in self.patterns:
            if pattern.search(name):
                return slot
        return None


def compiled(text: str, version: str, rules: Iterable[LintRule]) -> dict[str, Kind]:
    """All kinds of a grammar in one version of its language, each with the rules that look at it."""
    kinds: dict[str, Kind] = {}
    lines = text.strip("\n").split("\n")
    for line in lines:
        if line and not line.startswith(" "):
            kinds[line] = Kind(line)
    current = Kind("")
    for line in lines:
        if line in kinds:
            current = kinds[line]
        elif line:
            _member(line, version, current, kinds)
    for rule in rules:
        _wire(rule, kinds)
    return kinds


def _member(line: str, version: str, owner: Kind, kinds: Mapping[str, Kind]) -> None:
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(f"no line of a grammar: {line!r}")
    if match["version"] and match["version"] != version:
        return
    slot = _slot(match["what"], kinds)
    if match["name"].startswith("^"):
        owner.patterns.append((re.compile(match["name"]), slot))
        return
    owner.slots[match["name"]] = slot
    if match["required"]:
        owner.required = (*owner.required, match["name"])


def _slot(what: str, kinds: Mapping[str, Kind]) -> Slot:
    match = _WHAT.fullmatch(what)
    assert match is not None
    shape = _SHAPES[match["open"]]
    words = match["what"].split("|")
    kind = next((kinds[word] for word in words if word in kinds), None)
    types: set[type] = {dict} if kind else set()
    for word in words:
        if word not in kinds:
            types |= _TYPES[word]
    text = " or ".join("an object" if word in kinds else word for word in words)
    return Slot(shape, frozenset(types), text, bool(match["reference"]), kind)


def _wire(rule: LintRule, kinds: Mapping[str, Kind]) -> None:
    for name in rule.on:
        kind = kinds.get(name)
        if kind is None:
            continue
        if rule.when is None:
            kind.always = (*kind.always, rule)
        elif rule.when == "end":
            kind.ends = (*kind.ends, rule)
        for member in rule.when if isinstance(rule.when, tuple) else ():
            slot = kind.slots.get(member)
            if slot is not None:
                slot.checks = (*slot.checks, rule)


def json_type(value: Any) -> str:
    """As people name it."""
    names = {str: "string", bool: "boolean", int: "integer", float: "number", list: "array", dict: "object"}
    return names.get(type(value), "null")
