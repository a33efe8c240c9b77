"""The published corpus: what share is decided, whether as its authors say, and whether documents bear it out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import jsonschema
import pytest

from interlock.contracts.json_schema import goals
from interlock.contracts.json_schema.dialect import dialects_of
from interlock.contracts.json_schema.generate import instances
from interlock.contracts.json_schema.inclusion import Included, included
from interlock.contracts.json_schema.validator import compiled
from interlock.contracts.pointer import ABSENT
from tests.json_schema import corpus, random_schemas
from tests.json_schema.corpus import Answer

_OTHER = {
    "4": jsonschema.Draft4Validator, "6": jsonschema.Draft6Validator, "7": jsonschema.Draft7Validator,
    "2019-09": jsonschema.Draft201909Validator, "2020-12": jsonschema.Draft202012Validator,
}  # fmt: skip
# Their goal is read together with `items`, which proves all of it; alone, it says nothing.
_WITH_ITEMS = {"additionalItems"}


@pytest.fixture(scope="module")
def answers() -> list[Answer]:
    return corpus.answers()


def test_nearly_all_is_decided_with_a_quota_for_each_keyword(answers: list[Answer]) -> None:
    assert sum(answer.decided for answer in answers) >= 0.95 * 2 * len(answers)
    for keyword, those in corpus.by_keyword(answers).items():
        assert len(those) >= 10, f"{keyword} has few edits"
        assert sum(answer.decided for answer in those) >= 0.9 * 2 * len(those), keyword


def test_what_is_decided_is_as_the_authors_say(answers: list[Answer]) -> None:
    wrong = [
        f"{answer.edit.name}, {direction}: {answer.verdict(direction)}"
        for answer in answers
        for direction in corpus.DIRECTIONS
        if answer.verdict(direction) not in (answer.edit.expected[direction], "undecided")
    ]
    assert wrong == []


def test_one_edit_has_no_undecided_noise_beside_a_proven_finding(answers: list[Answer]) -> None:
    for answer in answers:
        for direction in corpus.DIRECTIONS:
            if answer.verdict(direction) == "breaking":
                found = [one for one in answer.changes if one.direction == direction]
                assert {one.effect for one in found} == {"breaking"}, answer.edit.name


def test_each_witness_holds_for_another_validator_too(answers: list[Answer]) -> None:
    """python-jsonschema, which shares no code with ours. It asserts no formats, so those edits are left to ours."""
    for answer in answers:
        for change in answer.changes:
            if change.effect != "breaking":
                continue
            assert change.witness is not ABSENT
            pair = (answer.edit.old, answer.edit.new)
            validators = [_OTHER[dialect](one) for one, dialect in zip(pair, dialects_of(*pair), strict=True)]
            takes, refuses = validators if change.direction == "backward" else validators[::-1]
            assert takes.is_valid(change.witness), (answer.edit.name, change.witness)
            if "format" not in change.rule and not _by_format(answer):
                assert not refuses.is_valid(change.witness), (answer.edit.name, change.witness)


def _by_format(answer: Answer) -> bool:
    return answer.edit.keyword == "format"


def test_no_generated_document_speaks_against_compatible(answers: list[Answer]) -> None:
    random = Random(3)
    for number, answer in enumerate(answers):
        pair = (answer.edit.old, answer.edit.new)
        for direction in corpus.DIRECTIONS:
            if answer.verdict(direction) != "compatible":
                continue
            taking, refusing = pair if direction == "backward" else pair[::-1]
            takes, refuses = compiled(taking), compiled(refusing)
            for document in _documents(random, taking, refusing, number):
                assert not takes.is_valid(document) or refuses.is_valid(document), (answer.edit.name, document)


def _documents(random: Random, taking: Any, refusing: Any, seed: int) -> Iterator[Any]:
    for schema in (taking, refusing):
        for made in islice(instances(schema, schema, seed=seed, limit=12), 12):
            yield made
            yield random_schemas.disturbed(random, made)
    yield from (random_schemas.document(random) for _ in range(10))


@pytest.mark.parametrize("keyword", sorted(set(goals.GOALS) - _WITH_ITEMS))
def test_a_keyword_that_is_taken_for_granted_is_noticed(keyword: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each theorem of the prover is replaced by 'always': the corpus has an edit that shows it wrong."""
    monkeypatch.setitem(goals.GOALS, keyword, lambda *_: True)
    assert any(
        edit.expected["backward"] == "breaking"
        and isinstance(included(edit.old, edit.old, edit.new, edit.new, steps=2000), Included)
        for edit in corpus.edits()
        if f'"{keyword}"' in repr(edit.new).replace("'", '"')
    )


def test_the_page_shows_the_tables_of_today(answers: list[Answer]) -> None:
    tables = {"decided": corpus.decided_table(answers), "readings": corpus.readings_table()}
    text = corpus.PAGE.read_text(encoding="utf-8")
    assert text == corpus.page_with(text, tables), "make it anew: python -m tests.json_schema.corpus"
