"""What a change says to a person: the field, what became of it, and who is refused for it."""

from __future__ import annotations

import json
from typing import Any

from interlock.contracts.comparison import Direction, Effect
from interlock.contracts.json_schema.walk import BOUNDS, Fact
from interlock.contracts.pointer import ABSENT

MAX_VALUE = 60
_HURT = {
    "backward": "the new contract refuses documents that the old one allows",
    "forward": "who still reads by the old contract refuses documents that the new one allows",
}
_WORDS = {
    "property-added-optional": "{field} is new and optional",
    "property-added-required": "{field} is new and required",
    "property-removed": "{field} is no longer declared",
    "required-added": "{field} is required now",
    "required-removed": "{field} is no longer required",
    "type-narrowed": "{field} takes fewer types: {old} became {new}",
    "type-widened": "{field} takes more types: {old} became {new}",
    "type-changed": "{field} has another type: {old} became {new}",
    "enum-added": "{field} takes listed values only: {new}",
    "enum-removed": "{field} takes more than the listed values {old}",
    "enum-changed": "{field} takes other listed values: {old} became {new}",
    "enum-value-added": "{field} takes {new} too",
    "enum-value-removed": "{field} no longer takes {old}",
    "const-added": "{field} takes {new} only",
    "const-removed": "{field} takes more than {old}",
    "const-changed": "{field} takes {new} in place of {old}",
    "unique-items-added": "The items of {field} must differ from each other now",
    "unique-items-removed": "The items of {field} may repeat now",
    "additional-properties-closed": "{field} refuses undeclared properties now",
    "additional-properties-opened": "{field} takes undeclared properties now",
    "additional-properties-constrained": "Undeclared properties of {field} must pass a schema now: {new}",
    "additional-properties-freed": "Undeclared properties of {field} pass more easily: {old} became {new}",
    "unevaluated-properties-added": "Properties of {field} that nothing declares are held to {new} now",
    "unevaluated-properties-removed": "Properties of {field} that nothing declares are free now",
    "unevaluated-items-added": "Items of {field} that nothing declares are held to {new} now",
    "unevaluated-items-removed": "Items of {field} that nothing declares are free now",
    "pattern-property-added": "Properties of {field} that match {name} are held to {new} now",
    "pattern-property-removed": "Properties of {field} that match {name} are no longer held to {old}",
    "property-names-added": "The property names of {field} are held to {new} now",
    "property-names-removed": "The property names of {field} are free now",
    "items-added": "The items of {field} are held to {new} now",
    "items-removed": "The items of {field} are free now",
    "additional-items-added": "Items of {field} after the listed ones are held to {new} now",
    "additional-items-removed": "Items of {field} after the listed ones are free now",
    "prefix-item-added": "{field} has a schema of its own now: {new}",
    "prefix-item-removed": "{field} has no schema of its own any more",
    "contains-added": "{field} must contain {new} now",
    "contains-removed": "{field} need not contain {old} any more",
    "dependency-added": "Beside {field} other properties are asked for now: {new}",
    "dependency-removed": "Beside {field} no other properties are asked for any more",
    "dependency-changed": "Beside {field} other properties are asked for: {old} became {new}",
    "dependent-schema-added": "Beside {field} another schema holds now: {new}",
    "dependent-schema-removed": "Beside {field} no other schema holds any more",
    "all-of-branch-added": "{field} must pass one more schema of allOf: {new}",
    "all-of-branch-removed": "{field} need not pass {old} of allOf any more",
    "any-of-branch-added": "{field} has one more alternative: {new}",
    "any-of-branch-removed": "{field} has lost the alternative {old}",
    "one-of-branch-added": "{field} has one more alternative: {new}",
    "one-of-branch-removed": "{field} has lost the alternative {old}",
    "any-of-became-one-of": "{field} must match exactly one of its alternatives now",
    "one-of-became-any-of": "{field} may match several of its alternatives at once now",
    "not-added": "{field} refuses what passes {new} now",
    "not-removed": "{field} takes what passes {old} now",
    "if-added": "A condition holds for {field} now: {new}",
    "if-removed": "No condition holds for {field} any more",
    "then-added": "{field} must pass {new} where the condition holds",
    "then-removed": "Nothing more is asked of {field} where the condition holds",
    "else-added": "{field} must pass {new} where the condition does not hold",
    "else-removed": "Nothing more is asked of {field} where the condition does not hold",
    "schema-constrained": "{field} took anything and is held to {new} now",
    "schema-freed": "{field} takes anything now",
    "schema-changed": "{field} has another schema: {old} became {new}",
    "classification-lowered": "{field} counts as less sensitive: {old} became {new}; what was masked may show",
    "classification-raised": "{field} counts as more sensitive: {old} became {new}",
    "dialect-changed": "The dialect of {field} changed: {old} became {new}",
}
_VALUED = {"pattern": "pattern", "format": "format", "multiple-of": "multipleOf"} | {
    word: keyword for keyword, word in BOUNDS.items()
}
# Their fact stands at a property of the field, not at the field.
_OF_PROPERTY = ("property-added-optional", "property-added-required", "property-removed", "required-added",
                "required-removed", "dependency-added", "dependency-removed", "dependency-changed",
                "dependent-schema-added", "dependent-schema-removed")  # fmt: skip


def message(fact: Fact, direction: Direction, effect: Effect, note: str = "") -> str:
    """One sentence or two. `note` is why an undecided one is not decided."""
    what = _what(fact)
    what = what[:1].upper() + what[1:]
    if effect == "breaking":
        return f"{what}: {_HURT[direction]}."
    if effect == "undecided":
        return f"{what}. Whether {_HURT[direction]} is not decided ({note}), which counts as breaking."
    return f"{what}."


def of_the_whole(direction: Direction, effect: Effect, note: str) -> str:
    """For a refusal that no changed place explains."""
    if effect == "undecided":
        return f"Whether {_HURT[direction]} is not decided ({note}), which counts as breaking."
    hurt = _HURT[direction]
    return f"{hurt[:1].upper()}{hurt[1:]}, though no single changed place says so."


def field(place: tuple[str, ...]) -> str:
    """How a person calls what stands at this place of a schema: `lines[].sku`; a definition begins anew."""
    said, steps = "", list(place)
    while steps:
        step = steps.pop(0)
        if step in ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"):
            name = steps.pop(0) if steps else ""
            said = _named(said, step, name)
        elif step in ("prefixItems", "items") and steps and steps[0].isdecimal():
            said += f"[{steps.pop(0)}]"
        elif step in ("items", "additionalItems", "unevaluatedItems", "contains"):
            said += "[]"
        elif step in ("additionalProperties", "unevaluatedProperties"):
            said += ".*" if said else "*"
        elif step in ("allOf", "anyOf", "oneOf") and steps:
            steps.pop(0)
        elif step == "propertyNames":
            said += " (property names)"
    return f"`{said}`" if said else "the document"


def _named(said: str, keyword: str, name: str) -> str:
    if keyword in ("$defs", "definitions"):
        return name
    if keyword == "patternProperties":
        name = f"/{name}/"
    elif keyword != "properties":
        return said
    return f"{said}.{name}" if said else name


def _what(fact: Fact) -> str:
    around = fact.to if fact.new is not ABSENT else fact.at
    place = (*around, "properties", fact.name) if fact.rule in _OF_PROPERTY else around
    if fact.rule.startswith(("prefix-item", "schema-")):
        place = fact.new_place if fact.new is not ABSENT else fact.old_place
    named, action = field(place), fact.rule.rsplit("-", 1)[1]
    keyword = _VALUED.get(fact.rule.rsplit("-", 1)[0])
    if fact.rule in _WORDS:
        return _WORDS[fact.rule].format(field=named, name=fact.name, old=_short(fact.old), new=_short(fact.new))
    if keyword and action == "added":
        return f"{named} has a {keyword} of {_short(fact.new)} now"
    if keyword and action == "removed":
        return f"{named} has no {keyword} any more, it was {_short(fact.old)}"
    word = keyword or fact.rule.rsplit("-", 1)[0].replace("-", " ")
    if fact.old is ABSENT or fact.new is ABSENT or keyword is None:
        return f"The {word} of {named} changed"
    became = action if action == "changed" else f"was {action}"
    return f"The {word} of {named} {became} from {_short(fact.old)} to {_short(fact.new)}"


def _short(value: Any) -> str:
    if value is ABSENT:
        return "nothing"
    if isinstance(value, dict) and isinstance(called := value.get("title", value.get("$ref")), str):
        return called.rsplit("/", 1)[-1]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"
