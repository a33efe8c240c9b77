"""The semantic difference of two JSON Schemas: each changed place, and whom it hurts, shown by a document.

The verdict is that of the whole: a narrowing that no document can meet hurts nobody. Only where the whole is refuted,
its witnesses are laid at the doors of the places that refuse them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.comparison import Change, Direction, Effect, Reading
from interlock.contracts.json_schema.conjunction import Part
from interlock.contracts.json_schema.dialect import dialects_of
from interlock.contracts.json_schema.inclusion import STEPS, Included, Undecided
from interlock.contracts.json_schema.messages import message, of_the_whole
from interlock.contracts.json_schema.reading import forgiven, read
from interlock.contracts.json_schema.rules import ANNOTATION_RULES, RULES
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.json_schema.side import Side
from interlock.contracts.json_schema.sound import sound
from interlock.contracts.json_schema.walk import Fact, Walk
from interlock.contracts.pointer import ABSENT

__all__ = ["RULES", "changes"]
# More changes than anybody reads: the verdict still is that of the whole.
MAX_FACTS = 1000
_ROOT = "schema-changed"
_DIRECTIONS: tuple[Direction, ...] = ("backward", "forward")


def changes(old: Any, new: Any, reading: Reading = "SETS", *, steps: int = STEPS) -> list[Change]:
    """Raises ContractInvalid for what is no schema. SETS is set inclusion; STRICT and LENIENT are the readings of the
    Confluent registry: see docs/explanation/json-schema-compatibility.md."""
    documents = [sound(schema, dialect) for schema, dialect in zip((old, new), dialects_of(old, new), strict=True)]
    if old == new and repr(old) == repr(new):
        return []
    both = Part(old, documents[0]), Part(new, documents[1])
    facts = list(islice(Walk().facts(*both), MAX_FACTS))
    stated: list[Change] = []
    harmed: set[int] = set()
    for direction in _DIRECTIONS:
        for index, change in _harm(direction, documents, facts, reading, steps):
            stated.append(change)
            harmed.add(index)
    for index, fact in enumerate(facts):
        if index not in harmed:
            stated.append(_change(fact, "none", "annotation" if fact.rule in ANNOTATION_RULES else "safe"))
    return stated


def _harm(
    direction: Direction, documents: list[SchemaDocument], facts: list[Fact], reading: Reading, steps: int
) -> Iterator[tuple[int, Change]]:
    old, new = (document.root for document in documents)
    sub, sup = read(*((old, new) if direction == "backward" else (new, old)), facts, reading, direction)
    suspects = {index: fact for index, fact in enumerate(facts) if not forgiven(fact, reading)}
    answer = Side(direction, sub, sup, suspects, steps, documents).answer()
    for index, harm in answer.harms.items():
        effect: Effect = "undecided" if harm.witness is ABSENT else "breaking"
        yield index, _change(facts[index], direction, effect, witness=harm.witness, note=harm.reason)
    if answer.harms or isinstance(answer.decision, Included):
        return
    if isinstance(answer.decision, Undecided):
        text = of_the_whole(direction, "undecided", answer.decision.reason)
        yield -1, Change("undecided", direction, "undecided", text, "", "")
    else:
        text = of_the_whole(direction, "breaking", "")
        yield -1, Change(_ROOT, direction, "breaking", text, "", "", witness=answer.decision.witness)


def _change(fact: Fact, direction: Direction, effect: Effect, *, witness: Any = ABSENT, note: str = "") -> Change:
    return Change(
        rule=fact.rule,
        direction=direction,
        effect=effect,
        message=message(fact, direction, effect, note),
        old_path=None if fact.old is ABSENT else pointer.join(fact.old_place),
        new_path=None if fact.new is ABSENT else pointer.join(fact.new_place),
        old=fact.old,
        new=fact.new,
        witness=witness,
        advice=fact.rule == "classification-lowered",
    )
