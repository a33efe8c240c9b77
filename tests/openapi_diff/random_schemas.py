"""Random schemas as API authors write them, edits of them, and values that use only what they declare."""

from __future__ import annotations

import copy
from random import Random
from typing import Any

NAMES = ("a", "b", "c", "kind")
WORDS = ("red", "green", "blue")


def schema(random: Random, depth: int = 2) -> dict[str, Any]:
    kinds = ["string", "integer", "number", "boolean", "enum"]
    if depth:
        kinds += ["object", "object", "object", "array", "choice", "allOf", "ref", "map"]
    return _MAKERS[random.choice(kinds)](random, depth)


def components(random: Random) -> dict[str, Any]:
    """Two objects that may refer to each other."""
    return {name: _object(random, 1) for name in ("X", "Y")}


def edited(random: Random, value: Any) -> Any:
    """A copy with one to three changes somewhere."""
    made = copy.deepcopy(value)
    for _ in range(random.randint(1, 3)):
        spots = list(_spots(made))
        if spots:
            _edit(random, random.choice(spots))
    return made


def instance(random: Random, one: Any, parts: dict[str, Any], depth: int = 0) -> Any:
    """Something of about this schema; whoever needs certainty validates it."""
    if "$ref" in one:
        return instance(random, parts[one["$ref"].rpartition("/")[2]], parts, depth + 1)
    for word in ("oneOf", "anyOf"):
        if word in one:
            return instance(random, random.choice(one[word]), parts, depth)
    if "allOf" in one:
        made: dict[str, Any] = {}
        for part in one["allOf"]:
            value = instance(random, part, parts, depth)
            made.update(value if isinstance(value, dict) else {})
        return made
    if one.get("nullable") and random.random() < 0.3:
        return None
    if "enum" in one:
        return random.choice(one["enum"])
    return _instance(random, one, parts, depth)


def _instance(random: Random, one: Any, parts: dict[str, Any], depth: int) -> Any:
    kind = one.get("type")
    if kind == "object":
        known = one.get("properties", {})
        made = {
            name: instance(random, part, parts, depth + 1)
            for name, part in known.items()
            if name in one.get("required", ()) or (depth < 4 and random.random() < 0.6)
        }
        if isinstance(one.get("additionalProperties"), dict) and random.random() < 0.7:
            made["extra"] = instance(random, one["additionalProperties"], parts, depth + 1)
        return made
    if kind == "array":
        return [instance(random, one.get("items", {}), parts, depth + 1) for _ in range(random.randint(0, 3))]
    if kind == "string":
        return random.choice(["", "a", "red", "abcdef", "zzzzzzzzzz", "2026-01-31"])
    if kind in ("integer", "number"):
        return random.choice([0, 1, 3, 5, 7, 10, 100, *([] if kind == "integer" else [0.5, 2.5])])
    return random.choice([True, False]) if kind == "boolean" else random.choice(["a", 1, None, {}])


def _text(random: Random, depth: int) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "string"}
    if random.random() < 0.3:
        made[random.choice(["minLength", "maxLength"])] = random.randint(1, 6)
    if random.random() < 0.15:
        made["pattern"] = random.choice(["^[a-z]*$", "^[a-f]*$", "e"])
    return _perhaps_null(random, made)


def _number(random: Random, kind: str) -> dict[str, Any]:
    made: dict[str, Any] = {"type": kind}
    if random.random() < 0.5:
        made[random.choice(["minimum", "maximum"])] = random.randint(1, 9)
    if random.random() < 0.2 and ("minimum" in made or "maximum" in made):
        made["exclusiveMinimum" if "minimum" in made else "exclusiveMaximum"] = True
    return _perhaps_null(random, made)


def _perhaps_null(random: Random, made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "nullable": True} if random.random() < 0.2 else made


def _object(random: Random, depth: int) -> dict[str, Any]:
    names = random.sample(NAMES, random.randint(1, 3))
    made: dict[str, Any] = {"type": "object", "properties": {name: schema(random, depth - 1) for name in names}}
    if random.random() < 0.6:
        made["required"] = random.sample(names, 1)
    if random.random() < 0.3:
        made["additionalProperties"] = False
    return made


def _variant(random: Random, depth: int, kind: str) -> dict[str, Any]:
    made = _object(random, depth)
    made["properties"]["kind"] = {"type": "string", "enum": [kind]}
    made["required"] = sorted({*made.get("required", ()), "kind"})
    return made


_MAKERS: dict[str, Any] = {
    "string": _text,
    "integer": lambda random, depth: _number(random, "integer"),
    "number": lambda random, depth: _number(random, "number"),
    "boolean": lambda random, depth: {"type": "boolean"},
    "enum": lambda random, depth: {"type": "string", "enum": random.sample(WORDS, random.randint(1, 3))},
    "object": _object,
    "map": lambda random, depth: {"type": "object", "additionalProperties": schema(random, depth - 1)},
    "array": lambda random, depth: {"type": "array", "items": schema(random, depth - 1)},
    "choice": lambda random, depth: {
        random.choice(["oneOf", "anyOf"]): [_variant(random, depth - 1 or 1, kind) for kind in random.sample(WORDS, 2)]
    },
    "allOf": lambda random, depth: {"allOf": [_object(random, 1), _object(random, 1)]},
    "ref": lambda random, depth: {"$ref": f"#/components/schemas/{random.choice('XY')}"},
}


def _spots(value: Any) -> Any:
    """Every schema within."""
    if isinstance(value, dict):
        if "type" in value or "oneOf" in value or "anyOf" in value or "allOf" in value or "$ref" in value:
            yield value
        for part in value.values():
            yield from _spots(part)
    elif isinstance(value, list):
        for part in value:
            yield from _spots(part)


def _edit(random: Random, spot: dict[str, Any]) -> None:
    if isinstance(spot.get("properties"), dict) and random.random() < 0.7:
        _edit_object(random, spot)
    elif isinstance(spot.get("enum"), list):
        spot["enum"] = random.sample(WORDS, random.randint(1, 3))
    elif "oneOf" in spot or "anyOf" in spot:
        word = "oneOf" if "oneOf" in spot else "anyOf"
        spot[word] = spot[word][:1] if random.random() < 0.5 else [*spot[word], _variant(random, 1, "blue")]
    else:
        if spot.get("type") == "string" and random.random() < 0.3:
            spot["enum"] = ["a", "red"]
            return
        made = schema(random, 1) if random.random() < 0.4 else _text(random, 0)
        if random.random() < 0.5 and isinstance(spot.get("type"), str) and spot["type"] in ("integer", "number"):
            made = _number(random, random.choice(["integer", "number"]))
        spot.clear()
        spot.update(made)


def _edit_object(random: Random, spot: dict[str, Any]) -> None:
    known = spot["properties"]
    action = random.choice(["add", "remove", "require", "relax", "close", "map"])
    if action == "add":
        known[random.choice(NAMES)] = schema(random, 1)
    elif action == "remove" and known:
        name = random.choice(list(known))
        del known[name]
        spot["required"] = [one for one in spot.get("required", ()) if one != name]
    elif action == "require" and known:
        spot["required"] = sorted({*spot.get("required", ()), random.choice(list(known))})
    elif action == "relax":
        spot["required"] = spot.get("required", [])[1:]
    elif action == "close":
        spot["additionalProperties"] = random.choice([True, False])
    else:
        spot["additionalProperties"] = schema(random, 0)
    if not spot.get("required"):
        spot.pop("required", None)
