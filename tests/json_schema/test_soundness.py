"""A proof is never refuted by any document, a witness always holds, and planted wrong theorems are caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema import goals, object_goals, proof
from interlock.contracts.json_schema.discriminator import Discriminator
from interlock.contracts.json_schema.facts import Facts
from interlock.contracts.json_schema.generate import instances
from interlock.contracts.json_schema.inclusion import Included, Refuted, included
from interlock.contracts.json_schema.validator import compiled
from tests.json_schema import random_schemas

STEPS = 3000


def objection(seed: int, counts: Counter[str]) -> str | None:
    """What is wrong with our answer for the pair of this seed, in both directions, or None."""
    random = Random(seed)
    made = (random_schemas.schema, random_schemas.rooted, random_schemas.recursive)[seed % 5 // 2]
    old = made(random)
    new = random_schemas.edited(random, old) if seed % 3 else random_schemas.schema(random, 2)
    if seed % 7 == 0:
        draft = {"$schema": "http://json-schema.org/draft-07/schema#"}
        old, new = ({**draft, **random_schemas.in_draft_7(one)} if isinstance(one, dict) else one for one in (old, new))
    documents = [random_schemas.document(random) for _ in range(60)]
    for sub, sup in ((old, new), (new, old)):
        try:
            taking, refusing = compiled(sub), compiled(sup)
            answer = included(sub, sub, sup, sup, steps=STEPS)
        except ContractInvalid:
            counts["invalid"] += 1
            continue
        counts[type(answer).__name__] += 1
        if isinstance(answer, Refuted):
            if not taking.is_valid(answer.witness) or refusing.is_valid(answer.witness):
                return f"{answer} is no witness for {sub} in {sup}"
        elif isinstance(answer, Included):
            made = islice(instances(sub, sub, limit=20), 20)
            for one in (*documents, *made):
                if taking.is_valid(one) and not refusing.is_valid(one):
                    return f"{sub} counts as included in {sup}, but for {one}"
    return None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.integers(min_value=0, max_value=10**9))
def test_no_answer_is_ever_wrong(seed: int) -> None:
    assert objection(seed, Counter()) is None


def test_no_answer_is_wrong_when_all_inside_a_value_is_put_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proof, "MAX_DEPTH", 0)
    assert [seed for seed in range(2000, 2250) if objection(seed, Counter()) is not None] == []


def test_most_random_pairs_are_decided() -> None:
    counts: Counter[str] = Counter()
    for seed in range(150):
        objection(seed, counts)
    assert counts["Undecided"] <= 0.06 * counts.total()
    assert min(counts["Included"], counts["Refuted"]) > 40


def _always(*_: Any) -> bool:
    return True


PLANTED: dict[str, Callable[[pytest.MonkeyPatch], object]] = {
    "any maximum is low enough": lambda patch: patch.setitem(goals.GOALS, "maximum", _always),
    "any required is there": lambda patch: patch.setitem(goals.GOALS, "required", _always),
    "every property passes": lambda patch: patch.setitem(goals.GOALS, "properties", _always),
    "every type fits": lambda patch: patch.setitem(goals.GOALS, "type", _always),
    "one of is any of": lambda patch: patch.setitem(
        goals.GOALS, "oneOf", lambda prover, whole, goal, _: goals._some(prover, whole, goal, "oneOf")
    ),
    "patterns are all one": lambda patch: patch.setitem(goals.GOALS, "pattern", _always),
    "not means nothing": lambda patch: patch.setitem(goals.GOALS, "not", _always),
    "items all pass": lambda patch: patch.setitem(goals.GOALS, "items", _always),
    "no name but the mentioned": lambda patch: patch.setattr(object_goals, "_classes", lambda *_: iter(())),
    "texts are never empty sets": lambda patch: patch.setitem(proof._NONE, "string", _always),
    "what is put off is never asked": lambda patch: (
        patch.setattr(proof, "MAX_DEPTH", 0),
        patch.setattr(proof.Prover, "_settled", _always),
    ),
    "any branches are told apart": lambda patch: patch.setattr(
        goals, "told_apart", lambda part, _: Discriminator("a", {"'a'": 0})
    ),
    "nothing is closed": lambda patch: patch.setattr(Facts, "required", frozenset(random_schemas.NAMES)),
}


# What once counted as proved, and is not: found by long runs of `objection`, kept where a short one may miss them.
_KIND = {"properties": {"kind": {"const": "x"}}, "required": ["kind"]}
_CLOSED = {"type": "object", "properties": {"kind": {}}, "unevaluatedProperties": False}
REFUTED: list[tuple[Any, Any]] = [
    (
        {"dependentRequired": {"a": ["b"]}},
        {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"c": {"required": ["d"]}}},
    ),
    (
        {**_CLOSED, "if": _KIND, "then": {"properties": {"a": {}, "b": {}}}},
        {**_CLOSED, "if": _KIND, "then": {"properties": {"a": {}}}},
    ),
    (
        {**_CLOSED, "dependentSchemas": {"kind": {"patternProperties": {"^b": {}}}}},
        {**_CLOSED, "dependentSchemas": {"kind": {"properties": {"b": {}}}}},
    ),
    ({"type": "string", "pattern": "^[ab]$"}, {"enum": ["a", "b"], "const": "a"}),
]


@pytest.mark.parametrize("pair", REFUTED)
def test_what_was_wrong_once_stays_right(pair: tuple[Any, Any]) -> None:
    sub, sup = pair
    assert isinstance(included(sub, sub, sup, sup), Refuted)


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_wrong_theorem_is_caught(planted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTED[planted](monkeypatch)
    counts: Counter[str] = Counter()
    assert any(objection(seed, counts) is not None for seed in range(1500))
