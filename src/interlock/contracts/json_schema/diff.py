"""The semantic difference of two JSON Schemas: each changed place, and whom it hurts, shown by a document.

The verdict is that of the whole: a narrowing that no document can meet hurts nobody. Only where the whole is refuted,
its witnesses are laid at the doors of the places that refuse them, by what the validator says of each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.comparison import Change, Direction, Effect, Reading
from interlock.contracts.json_schema.blame import Blame
from interlock.contracts.json_schema.conjunction import Part
from interlock.contracts.json_schema.inclusion import STEPS, Included, Inclusion, Refuted, Undecided
from interlock.contracts.json_schema.rules import ANNOTATION_RULES, FORGIVEN, RULES, may_break
from interlock.contracts.json_schema.validator import compiled
from interlock.contracts.json_schema.walk import Fact, Walk
from interlock.contracts.pointer import ABSENT

__all__ = ["RULES", "changes"]
MAX_FACTS = 5000
_ROOT = "schema-changed"


def changes(old: Any, new: Any, reading: Reading = "SETS", *, steps: int = STEPS) -> list[Change]:
    """Raises ContractInvalid for what is no schema. SETS and STRICT are set inclusion; LENIENT forgives a property that
    is declared or not declared any more: see docs/explanation/json-schema-compatibility.md."""
    compiled(old)
    compiled(new)
    if old == new and repr(old) == repr(new):
        return []
    return _Difference(old, new, reading, steps).changes()


class _Difference:
    def __init__(self, old: Any, new: Any, reading: Reading, steps: int) -> None:
        backward = Inclusion(old, new, steps=steps)
        forward = Inclusion(new, old, steps=steps)
        self.sides: dict[Direction, _Side] = {
            "backward": _Side("backward", backward, old, new),
            "forward": _Side("forward", forward, new, old),
        }
        self.reading = reading
        self.facts = self._facts(backward, old, new)

    @staticmethod
    def _facts(backward: Inclusion, old: Any, new: Any) -> list[Fact]:
        found = []
        for fact in Walk().facts(Part(old, backward.sub), Part(new, backward.sup), (), ()):
            found.append(fact)
            if len(found) >= MAX_FACTS:
                break
        return found

    def changes(self) -> list[Change]:
        stated: list[Change] = []
        harmed: set[int] = set()
        for side in self.sides.values():
            for index, change in side.stated(self.facts, self.reading):
                stated.append(change)
                harmed.add(index)
        for index, fact in enumerate(self.facts):
            if index not in harmed:
                annotation = fact.rule in ANNOTATION_RULES
                stated.append(_change(fact, "none", "annotation" if annotation else "safe"))
        return stated


class _Side:
    """One direction: what one contract takes against what the other one does."""

    def __init__(self, direction: Direction, inclusion: Inclusion, sub: Any, sup: Any) -> None:
        self.direction = direction
        self.inclusion = inclusion
        self.sub, self.sup = sub, sup

    def stated(self, facts: Sequence[Fact], reading: Reading) -> Iterator[tuple[int, Change]]:
        decision = self.inclusion.decide(self.sub, self.sup)
        if isinstance(decision, Included):
            return
        suspects = [index for index, fact in enumerate(facts) if may_break(fact.rule, self.direction)]
        if isinstance(decision, Undecided):
            yield from self._undecided(facts, suspects, decision)
            return
        yield from self._broken(facts, suspects, decision, reading)

    def _undecided(self, facts: Sequence[Fact], suspects: list[int], why: Undecided) -> Iterator[tuple[int, Change]]:
        found = False
        for index in suspects:
            if not self._fine_here(facts[index]):
                found = True
                yield index, _change(facts[index], self.direction, "undecided", note=why.reason)
        if not found:
            message = f"Whether the whole still takes what it took is not decided: {why.reason}."
            yield -1, Change("undecided", self.direction, "undecided", message, "", "")

    def _broken(
        self, facts: Sequence[Fact], suspects: list[int], decision: Refuted, reading: Reading
    ) -> Iterator[tuple[int, Change]]:
        witnessed = self._witnessed(facts, suspects, decision)
        lenient = reading == "LENIENT"
        spoken = False
        for index in suspects:
            fact = facts[index]
            if lenient and fact.rule in FORGIVEN:
                spoken = True
                continue
            if index in witnessed:
                spoken = True
                yield index, _change(fact, self.direction, "breaking", witness=witnessed[index])
            elif not self._fine_here(fact):
                spoken = True
                yield index, _change(fact, self.direction, "undecided", note="no document was found that shows it")
        if not spoken:
            message = "The whole refuses documents that it took, though no single place says so."
            yield -1, Change(_ROOT, self.direction, "breaking", message, "", "", witness=decision.witness)

    def _witnessed(self, facts: Sequence[Fact], suspects: list[int], decision: Refuted) -> dict[int, Any]:
        place = "new_place" if self.direction == "backward" else "old_place"
        accused = [(index, getattr(facts[index], place), facts[index]) for index in suspects]
        blame = Blame(self.sup, self.inclusion.sup, accused, self.direction)
        found: dict[int, Any] = {}
        whole, goal = self.inclusion.question(self.sub, self.sup)
        self._lay(blame, decision.witness, found)
        for count, witness in enumerate(self.inclusion.witnesses(whole, goal)):
            self._lay(blame, witness, found)
            if len(found) == len(suspects) or count > 40 + 20 * len(suspects):
                break
        return found

    @staticmethod
    def _lay(blame: Blame, witness: Any, found: dict[int, Any]) -> None:
        for index in blame.of(witness, set(found)):
            if index not in found:
                found[index] = witness

    def _fine_here(self, fact: Fact) -> bool:
        sub, sup = (fact.olds, fact.news) if self.direction == "backward" else (fact.news, fact.olds)
        return self.inclusion.proved_part(sub, sup)


def _change(fact: Fact, direction: Direction, effect: Effect, *, witness: Any = ABSENT, note: str = "") -> Change:
    rule = fact.rule
    purpose = next((one.purpose for one in RULES if one.id == rule), "")
    named = f" ({fact.name})" if fact.name else ""
    return Change(
        rule=rule,
        direction=direction,
        effect=effect,
        message=f"{purpose.rstrip('.')}{named}{': ' + note if note else ''}.",
        old_path=None if fact.old is ABSENT else pointer.join(fact.old_place),
        new_path=None if fact.new is ABSENT else pointer.join(fact.new_place),
        old=fact.old,
        new=fact.new,
        witness=witness,
        advice=rule == "classification-lowered",
    )
