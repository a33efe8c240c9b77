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


def layered(random: Random, depth: int = 2) -> dict[str, Any]:
    """Branches that look at the same value, beneath an unevaluated keyword: what one of them sees, others must know."""
    array = random.random() < 0.3
    made = _seen_items(random) if array else _seen_properties(random)
    for _ in range(random.randint(1, 2)):
        keyword = random.choice(["allOf", "anyOf", "oneOf", "if", "dependentSchemas", "$ref", "not"])
        if depth == 0:
            break
        inner = [layered(random, depth - 1) for _ in range(3)]
        if keyword == "if":
            made.update({"if": inner[0], random.choice(["then", "else"]): inner[1]})
        elif keyword == "dependentSchemas":
            made[keyword] = {random.choice(NAMES): inner[0]}
        elif keyword == "$ref":
            made[keyword] = random.choice(["#/$defs/n", "#m"])
        else:
            made[keyword] = inner[0] if keyword == "not" else inner[: random.randint(1, 2)]
    if random.random() < 0.6:
        made["unevaluatedItems" if array else "unevaluatedProperties"] = random.choice([False, schema(random, 0)])
    return made


def rooted(random: Random) -> dict[str, Any]:
    """A layered schema with definitions, one of them by name."""
    definitions = {"n": _seen_properties(random), "m": {**layered(random, 0), "$anchor": "m"}}
    return {**layered(random), "$defs": definitions}


def _seen_properties(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = {"properties": {name: schema(random, 0) for name in random.sample(NAMES, 2)}}
    if random.random() < 0.3:
        made["patternProperties"] = {random.choice(PATTERNS): schema(random, 0)}
    if random.random() < 0.4:
        made["required"] = random.sample(NAMES, 1)
    if random.random() < 0.15:
        made["additionalProperties"] = random.choice([False, schema(random, 0)])
    return made


def _seen_items(random: Random) -> dict[str, Any]:
    made: dict[str, Any] = {"prefixItems": [schema(random, 0) for _ in range(random.randint(1, 2))]}
    if random.random() < 0.3:
        made["contains"] = schema(random, 0)
    if random.random() < 0.2:
        made["items"] = random.choice([False, schema(random, 0)])
    return made


def in_draft_7(value: Any, key: str = "") -> Any:
    """The same in the words of draft 7, as far as it has them."""
    if isinstance(value, list):
        return [in_draft_7(part) for part in value] if key not in ("enum", "required") else value
    if not isinstance(value, dict):
        return value
    named = key in ("properties", "patternProperties", "dependentSchemas", "$defs")
    if named or key in ("const", "dependentRequired"):
        return {name: in_draft_7(part) for name, part in value.items()} if named else value
    made = {name: in_draft_7(part, name) for name, part in value.items()}
    if "prefixItems" in made:
        rest = made.pop("items", None)
        made["items"] = made.pop("prefixItems")
        if rest is not None:
            made["additionalItems"] = rest
    for name in ("dependentRequired", "dependentSchemas"):
        if name in made:
            made["dependencies"] = made.pop(name)
    if "$anchor" in made:
        made["$id"] = "#" + made.pop("$anchor")
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
    maps = [one[name] for one in places for name in ("properties", "patternProperties") if one.get(name)]
    if maps and random.random() < 0.3:
        chosen = random.choice(maps)
        if random.random() < 0.6:
            del chosen[random.choice(sorted(chosen))]
        else:
            chosen[random.choice(NAMES)] = schema(random, 0)
        return made
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


def disturbed(random: Random, value: Any) -> Any:
    """Nearly the same document: something left out, added, or replaced."""
    if isinstance(value, dict) and value:
        made = dict(value)
        name = random.choice(sorted(made))
        action = random.random()
        if action < 0.3:
            del made[name]
        elif action < 0.5:
            made[random.choice([*NAMES, "extra", "x-1"])] = random.choice([*TEXTS, *NUMBERS, None])
        else:
            made[name] = disturbed(random, made[name])
        return made
    if isinstance(value, list) and value:
        at = random.randrange(len(value))
        return random.choice([value[:at], [*value, value[at]], [*value[:at], disturbed(random, value[at])]])
    if isinstance(value, str):
        return random.choice([value + "x", value[1:], value.upper(), 1])
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return random.choice([value + 1, value - 1, -value, value + 0.5, value * 10, str(value)])
    return document(random, 0)
