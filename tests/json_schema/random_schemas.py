"""Random schemas over all keywords, random realistic edits of a schema, and random documents, for soundness tests."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

NAMES = ("a", "b", "ab", "x1")
PATTERNS = ("^a", "b$", "^[a-c]+$", "^x[0-9]$", "1")
TEXTS = ("", "a", "b", "ab", "abc", "x1", "2026-11-24", "zzzzzz", "192.0.2.1")
NUMBERS = (-3, -1, 0, 0.5, 1, 2, 3, 4.5, 6, 10, 12)
FORMATS = ("date", "ipv4", "uuid")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


def schema(random: Random, depth: int = 2) -> Any:
    if random.random() < 0.06:
        return random.random() < 0.7
    made: dict[str, Any] = {}
    if random.random() < 0.6:
        made["type"] = random.choice(TYPES) if random.random() < 0.7 else random.sample(TYPES, 2)
    for _ in range(random.randint(0, 3)):
        made.update(_keyword(random, depth))
    return made


def recursive(random: Random) -> dict[str, Any]:
    """A root that may refer to itself and to a definition."""
    made = schema(random, 2)
    made = made if isinstance(made, dict) else {}
    made["$defs"] = {"n": schema(random, 1)}
    made.setdefault("properties", {})["a"] = {"$ref": random.choice(["#", "#/$defs/n"])}
    return made


def _keyword(random: Random, depth: int) -> dict[str, Any]:
    small = random.randint(0, 3)
    flat = [
        lambda: {"enum": random.sample([*TEXTS, *NUMBERS, None, True, [], {}], 3)},
        lambda: {"const": random.choice([*TEXTS, *NUMBERS, None, {"a": 1}])},
        lambda: {random.choice(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]): random.choice(NUMBERS)},
        lambda: {"multipleOf": random.choice([1, 2, 3, 0.5, 6])},
        lambda: {
            random.choice(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]): small
        },
        lambda: {"pattern": random.choice(PATTERNS)},
        lambda: {"format": random.choice(FORMATS)},
        lambda: {"required": random.sample(NAMES, random.randint(1, 2))},
        lambda: {"uniqueItems": True},
        lambda: {"dependentRequired": {random.choice(NAMES): [random.choice(NAMES)]}},
    ]
    if depth == 0:
        return random.choice(flat)()

    def inner() -> Any:
        return schema(random, depth - 1)

    deep = [
        lambda: {"properties": {name: inner() for name in random.sample(NAMES, random.randint(1, 3))}},
        lambda: {"patternProperties": {random.choice(PATTERNS): inner()}},
        lambda: {"additionalProperties": random.choice([False, False, inner()])},
        lambda: {"unevaluatedProperties": random.choice([False, inner()])},
        lambda: {"propertyNames": inner()},
        lambda: {"items": inner()},
        lambda: {"prefixItems": [inner() for _ in range(random.randint(1, 2))]},
        lambda: {"unevaluatedItems": random.choice([False, inner()])},
        lambda: {"contains": inner(), "minContains": small},
        lambda: {"contains": inner(), "maxContains": small},
        lambda: {random.choice(["allOf", "anyOf", "oneOf"]): [inner() for _ in range(random.randint(1, 3))]},
        lambda: {"not": inner()},
        lambda: {"if": inner(), "then": inner(), "else": inner()},
        lambda: {"dependentSchemas": {random.choice(NAMES): inner()}},
    ]
    return random.choice([*flat, *deep, *deep])()


def edited(random: Random, original: Any) -> Any:
    """One change somewhere, as people make them."""
    made = copy.deepcopy(original)
    places = list(_places(made))
    if not places:
        return schema(random, 1)
    place = random.choice(places)
    action = random.random()
    keys = [key for key in place if key != "$defs"]
    if action < 0.3 and keys:
        del place[random.choice(keys)]
    elif action < 0.6:
        place.update(_keyword(random, 1))
    elif keys:
        key = random.choice(keys)
        value = place[key]
        if isinstance(value, bool):
            place[key] = not value if key != "uniqueItems" else False
        elif isinstance(value, (int, float)):
            place[key] = (
                max(0.5, value + random.choice([-1, 1, 2]))
                if key == "multipleOf"
                else max(0, value + random.choice([-1, 1]))
            )
        elif isinstance(value, list) and len(value) > 1:
            value.pop()
    return made


def _places(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        names = ("properties", "patternProperties", "dependentSchemas", "$defs", "dependentRequired", "const")
        if key not in names and "$ref" not in value:
            yield value
        for name, part in value.items():
            if name not in ("enum", "const", "dependentRequired"):
                named = key in ("properties", "patternProperties", "dependentSchemas", "$defs")
                yield from _places(part, "" if named else name)
    elif isinstance(value, list):
        for part in value:
            yield from _places(part)


def document(random: Random, depth: int = 3) -> Any:
    """Knows nothing of any schema."""
    choice = random.random()
    if depth > 0 and choice < 0.35:
        return {name: document(random, depth - 1) for name in random.sample([*NAMES, "c"], random.randint(0, 4))}
    if depth > 0 and choice < 0.6:
        return [document(random, depth - 1) for _ in range(random.randint(0, 4))]
    return random.choice([*TEXTS, *NUMBERS, None, True, False])
