"""'Compatible' is never refuted by data, and a witness is never read: fastavro writes and reads, from seeds.

fastavro reads on where the specification does not: by the writer's logical type, and by the first of two fields that
an ambiguous name may mean. Those witnesses are left out.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from avro_schemas.random_schemas import Schemas, changed, value
from avro_schemas.wire import decoded, encoded, read_back, reads
from interlock.contracts.avro import resolution
from interlock.contracts.avro.diff import changes
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.pointer import ABSENT

READ_ON = {"decimal-changed", "logical-type-changed", "alias-ambiguous"}
SEEDS = 1500


def objections(seeds: range, counts: Counter[str]) -> list[str]:
    return [said for seed in seeds for said in _objections(seed, counts)]


def _objections(seed: int, counts: Counter[str]) -> list[str]:
    random = Random(seed)
    old = Schemas(random).schema()
    new = changed(random, old) if random.random() < 0.8 else Schemas(random).schema()
    try:
        stated = changes(old, new)
    except ContractInvalid:
        counts["invalid"] += 1
        return []
    said: list[str] = []
    for direction, writer, reader in (("backward", old, new), ("forward", new, old)):
        harm = [one for one in stated if one.direction == direction and one.effect == "breaking"]
        counts["breaking" if harm else "compatible"] += 1
        said += [] if harm else _refutations(random, writer, reader, counts)
        for one in harm:
            if one.witness is not ABSENT and one.rule not in READ_ON:
                counts["witness"] += 1
                if reads(writer, reader, decoded(writer, one.witness)):
                    said.append(f"seed {seed}: {one.rule}: {one.witness} is read by {reader} from {writer}")
    return said


def _refutations(random: Random, writer: Any, reader: Any, counts: Counter[str]) -> list[str]:
    said = []
    for _ in range(4):
        written = value(random, writer)
        encoded(writer, written)  # what cannot be written is a mistake of this test
        counts["read"] += 1
        try:
            read_back(writer, reader, written)
        except Exception as error:
            said.append(f"{written} of {writer} is not read by {reader}: {error!r}")
    return said


def test_no_answer_is_refuted() -> None:
    counts: Counter[str] = Counter()
    assert objections(range(SEEDS), counts) == []
    assert counts["read"] > SEEDS
    assert counts["witness"] > SEEDS
    assert counts["compatible"] > SEEDS / 3
    assert counts["invalid"] < SEEDS / 2


def _without(name: str) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setitem(resolution.PROMOTIONS, name, frozenset({"int", "long", "double", "string"}))


def _forgiving_fields(patch: pytest.MonkeyPatch) -> None:
    """A missing field counts as filled in."""
    sound = resolution._sources
    patch.setattr(resolution, "_sources", lambda reader, writer: ((f, s) for f, s in sound(reader, writer) if s))


def _any_name(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(resolution, "_same_name", lambda reader, writer: True)


@pytest.mark.parametrize("plant", [_without("double"), _without("boolean"), _forgiving_fields, _any_name])
def test_planted_mistakes_are_caught(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    assert objections(range(SEEDS), Counter())


def test_nothing_that_was_given_is_changed() -> None:
    random = Random(5)
    for _ in range(50):
        old = Schemas(random).schema()
        new = changed(random, old)
        kept = copy.deepcopy((old, new))
        try:
            changes(old, new)
        except ContractInvalid:
            continue
        assert (old, new) == kept
