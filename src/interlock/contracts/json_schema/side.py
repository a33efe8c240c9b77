"""One direction of a comparison: which changed places refuse what the other contract takes, and by what document.

A witness is laid at the door of the place that refuses it, by what the validator says. Places that could refuse too,
but that no witness accuses, are tried once more with the proven ones taken back: either nothing is refused any more,
and they are innocent, or a new witness accuses one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.comparison import Direction
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.blame import Blame
from interlock.contracts.json_schema.conjunction import Part
from interlock.contracts.json_schema.guide import Guide
from interlock.contracts.json_schema.inclusion import Decision, Included, Inclusion, Refuted, Undecided
from interlock.contracts.json_schema.rules import breaks_either_way, may_break, mostly_breaks
from interlock.contracts.json_schema.schema_document import LARGE, SchemaDocument
from interlock.contracts.json_schema.shrink import shrunk
from interlock.contracts.json_schema.undo import loosened, undone
from interlock.contracts.json_schema.walk import Fact
from interlock.contracts.pointer import ABSENT

# A comparison with more changed places than this is answered, but not every place is tried by itself.
MAX_ROUNDS = 24
MAX_WITNESSES = 400
MAX_SMALL = 40


@dataclass(frozen=True, slots=True)
class Harm:
    """What a fact does in this direction: shown by a witness, or (ABSENT) not decided, for `reason`."""

    witness: Any
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """`decision` is about the whole. `harms` by index of the fact; empty beside a refutation that no place explains."""

    decision: Decision
    harms: dict[int, Harm]


class Side:
    """`sub` are the documents that are there, `sup` is who has to take them."""

    def __init__(
        self, direction: Direction, sub: Any, sup: Any, facts: dict[int, Fact], steps: int,
        known: Sequence[SchemaDocument] = (),
    ) -> None:  # fmt: skip
        self._direction = direction
        self._sub, self._sup = sub, sup
        self._facts = {index: fact for index, fact in facts.items() if may_break(fact.rule, direction)}
        self._steps = steps
        self._inclusion = Inclusion(sub, sup, steps=steps, known=known)

    def answer(self) -> Answer:
        """Raises ContractInvalid for what is no schema."""
        found = self._guided()
        decision = Refuted(next(iter(found.values()))) if found else self._inclusion.decide(self._sub, self._sup)
        if isinstance(decision, Included):
            return Answer(decision, {})
        if isinstance(decision, Undecided):
            open_ones = (index for index in self._facts if not self._fine_here(index))
            return Answer(decision, {index: Harm(ABSENT, decision.reason) for index in open_ones})
        if not found:
            found = self._accused(self._inclusion, self._sup, decision, set(self._facts))
        rest = [index for index in self._facts if index not in found and not self._fine_here(index)]
        more, rest = self._once_more(found, rest)
        if not found and not more:
            return Answer(decision, self._without_whom(decision, rest))
        blame = self._blame(self._inclusion, self._sup, set(self._facts))
        harms: dict[int, Harm] = {}
        for index, witness in found.items():
            small = self._small(blame, index, witness, {*found, *more}) if len(harms) < MAX_SMALL else witness
            harms[index] = Harm(small)
        harms |= {index: Harm(witness) for index, witness in more.items()}
        harms |= {index: Harm(ABSENT, "no document was found that shows it") for index in rest}
        return Answer(decision, dict(sorted(harms.items())))

    def _guided(self) -> dict[int, Any]:
        """Witnesses made at the changed places themselves, laid at the door of who refuses them."""
        guide = Guide(self._inclusion, self._sub, self._sup, self._direction)
        blame = self._blame(self._inclusion, self._sup, set(self._facts))
        found: dict[int, Any] = {}
        for index, fact in self._facts.items():
            if index in found or not mostly_breaks(fact.rule, self._direction):
                continue
            unsure = breaks_either_way(fact.rule) and self._inclusion.sup.size <= LARGE
            if not unsure or not self._fine_here(index):
                witness = guide.witness(fact)
                if witness is not ABSENT:
                    self._lay(blame, witness, found)
        return found

    def _accused(self, inclusion: Inclusion, sup: Any, decision: Refuted, suspects: set[int]) -> dict[int, Any]:
        blame = self._blame(inclusion, sup, suspects)
        found: dict[int, Any] = {}
        self._lay(blame, decision.witness, found)
        if len(found) == len(suspects):
            return found
        whole, goal = inclusion.question(self._sub, sup)
        limit = min(MAX_WITNESSES, 40 + 20 * len(suspects))
        for count, witness in enumerate(inclusion.witnesses(whole, goal)):
            self._lay(blame, witness, found)
            if len(found) == len(suspects) or count > limit:
                break
        return found

    def _blame(self, inclusion: Inclusion, sup: Any, suspects: set[int]) -> Blame:
        accused = [(index, self._places(index)[1], self._facts[index]) for index in sorted(suspects)]
        return Blame(sup, inclusion.sup, accused, self._direction)

    @staticmethod
    def _lay(blame: Blame, witness: Any, found: dict[int, Any]) -> None:
        for index in blame.of(witness, set(found)):
            found.setdefault(index, witness)

    def _once_more(self, found: dict[int, Any], rest: Sequence[int]) -> tuple[dict[int, Any], list[int]]:
        """The rest with what was found taken back: who is accused now, and who is neither accused nor cleared."""
        more: dict[int, Any] = {}
        if len(found) > MAX_ROUNDS:
            # Among so many, nobody misses one that seldom does harm.
            return more, [index for index in rest if mostly_breaks(self._facts[index].rule, self._direction)]
        milder = self._sup
        taken_back: set[int] = set()
        for _ in range(MAX_ROUNDS):
            if not rest:
                break
            for index in {*found, *more} - taken_back:
                milder = self._taken_back(milder, index)
                taken_back.add(index)
            again = self._against(milder)
            decision = again.decide(self._sub, milder)
            if isinstance(decision, Included):
                return more, []
            if not isinstance(decision, Refuted) or self._inclusion.sup.admits(self._sup, decision.witness):
                break
            now = self._accused(again, milder, decision, set(rest))
            if not now and len(rest) == 1:
                now = {rest[0]: decision.witness}  # nothing else is left that could refuse it
            if not now:
                break
            more |= {index: w for index, w in now.items() if not self._inclusion.sup.admits(self._sup, w)}
            rest = [index for index in rest if index not in more]
        return more, list(rest)

    def _without_whom(self, decision: Refuted, suspects: Sequence[int]) -> dict[int, Harm]:
        """The one change without which nothing would be refused, if there is one."""
        for index in suspects[:MAX_ROUNDS]:
            milder = self._taken_back(self._sup, index)
            if isinstance(self._against(milder).decide(self._sub, milder), Included):
                return {index: Harm(decision.witness)}
        return {}

    def _against(self, sup: Any, steps: int | None = None) -> Inclusion:
        return Inclusion(self._sub, sup, steps=steps or self._steps, known=(self._inclusion.sub,))

    def _taken_back(self, root: Any, index: int) -> Any:
        candidate = undone(root, self._facts[index], in_new=self._direction == "backward")
        try:
            self._against(candidate, 1).decide(self._sub, candidate)
        except ContractInvalid:
            return loosened(root, self._places(index)[1])
        return candidate

    def _small(self, blame: Blame, index: int, witness: Any, accused: set[int]) -> Any:
        """The witness without what is no part of the reason why this place refuses it."""

        def keeps(value: Any) -> bool:
            return (
                self._inclusion.sub.admits(self._sub, value)
                and not self._inclusion.sup.admits(self._sup, value)
                and index in blame.of(value, accused - {index})
            )

        return shrunk(witness, keeps)

    def _places(self, index: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of the keyword: in sub, in sup."""
        fact = self._facts[index]
        both = (fact.old_place, fact.new_place)
        return both if self._direction == "backward" else (both[1], both[0])

    def _fine_here(self, index: int) -> bool:
        """Whether the schema around the place takes, by itself, all that it took."""
        fact = self._facts[index]
        ours, theirs = (fact.at, fact.to) if self._direction == "backward" else (fact.to, fact.at)
        before, after = pointer.find(self._sub, ours), pointer.find(self._sup, theirs)
        if before is ABSENT or after is ABSENT:
            return False
        return self._inclusion.proved_part(Part(before, self._inclusion.sub), Part(after, self._inclusion.sup))
