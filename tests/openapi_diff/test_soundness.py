"""'Compatible' is never refuted by what a caller may send or the API may answer, and each witness holds.

The judge is the validator of JSON Schema on schemas that `bundled` makes of OpenAPI's, which shares no code with the
comparison. Values use declared properties only: what the open reading of an object forgives is written down elsewhere.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Literal

import pytest

from interlock.contracts.api.schema_bundle import bundled
from interlock.contracts.comparison import Change
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.validator import compiled
from interlock.contracts.openapi import meeting, schema_comparison
from interlock.contracts.openapi.checks import bounds, branches, items, properties
from interlock.contracts.openapi.diff import changes
from interlock.contracts.pointer import ABSENT, find, split

from . import random_schemas
from .documents import request, response

Direction = Literal["request", "response"]
MAKERS: dict[Direction, Callable[..., dict[str, Any]]] = {"request": request, "response": response}


def _schema_of(document: dict[str, Any], direction: Direction) -> Any:
    operation = document["paths"]["/a"]["post"]
    body = operation["requestBody"] if direction == "request" else operation["responses"]["200"]
    return body["content"]["application/json"]["schema"]


def _validator(document: dict[str, Any], schema: Any, direction: Direction) -> Any:
    return compiled(bundled(document, schema, direction))


def objection(seed: int, counts: Counter[str]) -> str | None:
    """What is wrong with our answer for the pair of this seed, or None."""
    random = Random(seed)
    direction: Direction = random.choice(["request", "response"])
    old_schema, old_parts = random_schemas.schema(random), random_schemas.components(random)
    both = random_schemas.edited(random, {"schema": old_schema, "parts": old_parts})
    old = MAKERS[direction](old_schema, **old_parts)
    new = MAKERS[direction](both["schema"], **both["parts"])
    try:
        found = changes(old, new)
    except ContractInvalid:
        counts["invalid"] += 1  # a component that is only a reference to itself
        return None
    for one in found:
        problem = _witness_problem(one, old, new, direction)
        if problem is not None:
            return problem
    broken = any(one.effect in ("breaking", "undecided") for one in found)
    counts["broken" if broken else "compatible"] += 1
    if broken:
        return None
    giver, taker = (old, new) if direction == "request" else (new, old)
    gives, takes = (_validator(one, _schema_of(one, direction), direction) for one in (giver, taker))
    parts = giver["components"]["schemas"]
    for _ in range(40):
        value = random_schemas.instance(random, _schema_of(giver, direction), parts)
        if gives.is_valid(value):
            counts["values"] += 1
            if not takes.is_valid(value):
                errors = [error.message for error in takes.iter_errors(value)]
                return f"{direction}: {json.dumps(value)} is refused ({errors[:2]}): {old_schema} to {both['schema']}"
    return None


def _witness_problem(one: Change, old: dict[str, Any], new: dict[str, Any], direction: Direction) -> str | None:
    """A witness stands for the schema around the place of its finding."""
    if one.witness is ABSENT or one.old_path is None or one.new_path is None:
        return None
    if "/allOf/" in one.old_path + one.new_path:
        return None  # the schema is all of its parts together, and has no place of its own
    pair = [(old, find(old, _around(old, one.old_path))), (new, find(new, _around(new, one.new_path)))]
    giver, taker = pair if direction == "request" else pair[::-1]
    if not all(isinstance(schema, dict) for _, schema in pair):
        return None
    if _validator(*giver, direction).is_valid(one.witness) and not _validator(*taker, direction).is_valid(one.witness):
        return None
    return f"{one.rule} at {one.new_path}: {one.witness!r} shows nothing: {giver[1]} {taker[1]}"


def _around(document: Any, path: str) -> tuple[str, ...]:
    return split(path)[:-1]


def test_no_answer_is_ever_wrong() -> None:
    counts: Counter[str] = Counter()
    problems = [problem for seed in range(1500) if (problem := objection(seed, counts)) is not None]
    assert problems == []
    assert min(counts["broken"], counts["compatible"]) > 200
    assert counts["values"] > 5000


def _silent(word: str) -> Callable[[pytest.MonkeyPatch], None]:
    """A mistake: this change counts as harmless."""

    def plant(patch: pytest.MonkeyPatch) -> None:
        for direction in ("request", "response"):
            patch.setitem(meeting.EFFECTS, (direction, word), ("safe", False))

    return plant


PLANTED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    **{word: _silent(word) for word in (
        "property-became-required", "property-added-required", "became-nullable", "became-not-nullable",
        "enum-value-added", "enum-value-removed", "enum-added", "type-changed", "type-narrowed", "maximum-lowered",
    )},
    "items are not looked at": lambda patch: patch.setattr(items, "TRIGGERS", frozenset()),
    "properties are not looked at": lambda patch: patch.setattr(properties, "TRIGGERS", frozenset()),
    "bounds are not looked at": lambda patch: patch.setattr(bounds, "TRIGGERS", frozenset()),
    "overlaps are not looked at": lambda patch: patch.setattr(branches, "_overlapping", lambda *_: iter(())),
    "every alternative fits": lambda patch: patch.setattr(schema_comparison.SchemaComparison, "fits", lambda *_: True),
}  # fmt: skip


@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED)
def test_a_planted_mistake_is_caught(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert any(objection(seed, Counter()) is not None for seed in range(4000))
