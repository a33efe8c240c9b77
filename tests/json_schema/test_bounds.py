"""Schemas made to exhaust somebody: refused with their place, or answered within work that is counted, not timed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from interlock.contracts.comparison import Change
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema import language, schema_document
from interlock.contracts.json_schema.conjunction import Budget
from interlock.contracts.json_schema.diff import changes
from interlock.contracts.json_schema.inclusion import STEPS, Inclusion


def _found(old: Any, new: Any) -> set[tuple[str, str, str]]:
    return {(one.rule, one.direction, one.effect) for one in changes(old, new)}


def _doubling(keyword: str, levels: int = 40) -> Any:
    """Forty definitions, each of the one before twice: 2 to the 40 looks at one value."""
    definitions: dict[str, Any] = {"b0": {"type": "string"}}
    for level in range(1, levels):
        below = {"$ref": f"#/$defs/b{level - 1}"}
        definitions[f"b{level}"] = {"not": {keyword: [below, below]}} if keyword == "oneOf" else {keyword: [below] * 2}
    return {"properties": {"a": {"$ref": f"#/$defs/b{levels - 1}"}}, "$defs": definitions}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_definitions_that_double_are_refused_with_their_place(keyword: str) -> None:
    with pytest.raises(ContractInvalid, match="more than 1,000,000 times") as refused:
        changes(_doubling(keyword), {"type": "object"})
    assert refused.value.pointer.startswith(("/$defs/b", "/properties/a"))


def test_a_few_levels_of_the_same_are_answered() -> None:
    assert _found(_doubling("allOf", 8), {"type": "object"}) != set()


def _nested(levels: int, leaf: Any, through: str) -> Any:
    for _ in range(levels):
        leaf = {"type": "object", "properties": {"a": leaf}} if through == "properties" else {"not": leaf}
    return leaf


@pytest.mark.parametrize("through", ["properties", "not"])
def test_ten_thousand_levels_are_refused(through: str) -> None:
    with pytest.raises(ContractInvalid, match="levels deep"):
        changes(_nested(10_000, {}, through), {})


def test_a_change_many_levels_down_is_shown() -> None:
    old, new = (_nested(25, {"type": kind}, "properties") for kind in ("string", "integer"))
    assert _found(old, new) == {("type-changed", "backward", "breaking"), ("type-changed", "forward", "breaking")}


LOOPS = [
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "/$defs/b/$ref"),
    ({"anyOf": [{"$ref": "#"}, {"type": "string"}]}, "/anyOf/0/$ref"),
    ({"properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}, "/$defs/a/not/$ref"),
]


@pytest.mark.parametrize(("schema", "pointer"), LOOPS)
def test_a_reference_that_goes_nowhere_into_the_value_is_refused(schema: Any, pointer: str) -> None:
    with pytest.raises(ContractInvalid, match="refers to itself and to nothing else") as refused:
        changes(schema, {"type": "string"})
    assert refused.value.pointer == pointer


@pytest.mark.parametrize("reference", ["https://example.invalid/x.json", "file:///etc/passwd", "other.json#/a"])
def test_what_leaves_the_document_is_refused_and_never_fetched(reference: str) -> None:
    with pytest.raises(ContractInvalid, match="never fetched") as refused:
        changes({"properties": {"x": {"$ref": reference}}}, {})
    assert refused.value.pointer == "/properties/x/$ref"


def test_true_recursion_works() -> None:
    old = {"type": "object", "properties": {"v": {"type": "integer"}, "next": {"$ref": "#"}}}
    new = {"type": "object", "properties": {"v": {"type": "number"}, "next": {"$ref": "#"}}}
    assert _found(old, new) == {("type-widened", "forward", "breaking")}


def test_an_enum_of_a_hundred_thousand_is_compared_value_by_value() -> None:
    old = {"enum": [f"v{number}" for number in range(100_000)]}
    new = {"enum": [*old["enum"], "more"]}
    (one,) = [one for one in changes(old, new) if one.effect == "breaking"]
    assert (one.rule, one.witness) == ("enum-value-added", "more")
    other = {"enum": [f"w{number}" for number in range(100_000)]}
    assert _found(old, other) == {("enum-changed", "backward", "breaking"), ("enum-changed", "forward", "breaking")}


PATTERNS = [
    ("^(a+)+$", "^(a+)+b$"),
    ("^(a|a)*(b|b)*c{1,1000}$", "^(a|aa)+$"),
    ("(a|b)*a(a|b){20}$", "(a|b)*a(a|b){21}$"),
    ("^(?=(a+)+$)b$", "^(?=(a+)+$)c$"),
    ("^.{0,4000}$", "^.{0,3999}$"),
]


@pytest.mark.parametrize(("old", "new"), PATTERNS)
def test_patterns_that_explode_are_answered_within_a_count(old: str, new: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    step = language.Automaton.step

    def counted(self: language.Automaton, nodes: frozenset[int], character: int) -> frozenset[int]:
        nonlocal steps
        steps += 1
        return step(self, nodes, character)

    monkeypatch.setattr(language.Automaton, "step", counted)
    assert _found({"type": "string", "pattern": old}, {"type": "string", "pattern": new})
    assert steps < 20 * language.MAX_STATES


@pytest.mark.parametrize("keyword", ["minItems", "minLength", "minProperties", "maxLength", "maxItems"])
def test_a_bound_beyond_all_memory_builds_nothing(keyword: str) -> None:
    """No witness of that size is made; so the harm stays undecided, in one direction only."""
    effects = {one.effect for one in changes({keyword: 10**12}, {keyword: 10**12 + 1})}
    assert effects == {"undecided"}


def test_many_choices_at_once_are_told_apart() -> None:
    both = [{"anyOf": [{"required": [f"a{at}"]}, {"required": [f"b{at}"]}]} for at in range(30)]
    narrower = [{"anyOf": both[0]["anyOf"][:1]}, *both[1:]]
    assert _found({"allOf": both}, {"allOf": narrower}) == {("any-of-branch-removed", "backward", "breaking")}


def test_a_union_of_hundreds_is_looked_at_by_what_tells_its_branches_apart() -> None:
    def branch(name: str, **more: Any) -> Any:
        properties = {"kind": {"const": name}, "value": {"type": "string", **more}}
        return {"type": "object", "properties": properties, "required": ["kind"], "additionalProperties": False}

    old = {"oneOf": [branch(f"k{number}") for number in range(400)]}
    new = {"oneOf": [branch(f"k{number}", **({"maxLength": 5} if number == 399 else {})) for number in range(401)]}
    assert _found(old, new) == {
        ("max-length-added", "backward", "breaking"), ("one-of-branch-added", "forward", "breaking"),
    }  # fmt: skip


def _catalogue(size: int, *, change: bool = False) -> Any:
    """Definitions that refer to each other criss-cross, as large specifications do; one field changes in the middle."""
    definitions = {}
    for at in range(size):
        texts = {
            f"f{n}": {"type": "string", "maxLength": 9 + (change and n == 0 and at == size // 2)} for n in range(8)
        }
        links = {"next": {"$ref": f"#/$defs/T{(at * 7 + 1) % size}"}}
        lists = {"list": {"type": "array", "items": {"$ref": f"#/$defs/T{(at * 3 + 2) % size}"}}}
        properties = {**texts, **links, **lists}
        definitions[f"T{at}"] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {"$ref": "#/$defs/T0", "$defs": definitions}


def _steps(size: int, monkeypatch: pytest.MonkeyPatch) -> tuple[int, list[Change]]:
    spent = 0
    spend = Budget.spend

    def counted(self: Budget, steps: int = 1) -> None:
        nonlocal spent
        spent += steps
        spend(self, steps)

    with monkeypatch.context() as patch:
        patch.setattr(Budget, "spend", counted)
        found = changes(_catalogue(size), _catalogue(size, change=True))
    return spent, found


def test_the_work_grows_with_the_size_of_a_recursive_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    small, _ = _steps(200, monkeypatch)
    large, found = _steps(800, monkeypatch)
    assert [(one.rule, one.direction, one.effect) for one in found] == [("max-length-raised", "forward", "breaking")]
    assert large < 5 * small


def test_few_validators_of_parts_of_a_large_document_are_kept() -> None:
    """Each carries all that its part can reach."""
    schema = _catalogue(800)
    inclusion = Inclusion(schema, _catalogue(800, change=True))
    assert inclusion.sub.size > schema_document.LARGE
    for at, part in enumerate(schema["$defs"].values()):
        assert inclusion.sub.seems(part, {"next": 1})
        assert at > 8 or not inclusion.sub.admits(part, {"next": 1})
    heavy = [key for key in inclusion.sub._validators if key != id(schema)]
    assert len(heavy) <= schema_document.MAX_HEAVY


def test_a_chain_of_definitions_needs_no_stack() -> None:
    def chain(leaf: str) -> Any:
        links = {
            f"T{n}": {"type": "object", "properties": {"next": {"$ref": f"#/$defs/T{n + 1}"}}} for n in range(3000)
        }
        return {"$ref": "#/$defs/T0", "$defs": {**links, "T3000": {"type": leaf}}}

    inclusion = Inclusion(chain("integer"), chain("number"))
    whole, goal = inclusion.question(inclusion.sub.root, inclusion.sup.root)
    assert inclusion.proved(whole, goal)
    assert {one.effect for one in changes(chain("number"), chain("string"))} == {"undecided"}


def test_the_budget_ends_a_question_and_says_so() -> None:
    parts = [{"anyOf": [{"minimum": at}, {"maximum": -at}, {"multipleOf": at + 1}]} for at in range(1, 12)]
    found = changes({"type": "number", "allOf": parts}, {"type": "number", "not": {"allOf": parts}}, steps=50)
    assert {one.effect for one in found if one.direction == "backward"} <= {"undecided", "breaking"}
    assert STEPS > 50


def test_large_numbers_and_texts_come_back_as_they_are() -> None:
    """A number beyond what a float holds is no crash."""
    old = json.loads('{"maximum": 123456789012345678901234567890}')
    assert _found(old, {"maximum": 10}) == {("maximum-lowered", "backward", "breaking")}
