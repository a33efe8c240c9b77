"""Is every value of one schema a value of another? Yes with a proof, no with a value that shows it, or undecided.

Three voices, each trusted only where it cannot be wrong: our prover for yes; the validator, on a value that we found,
for no; and the canonical form of jsonschema_rs where our prover has no answer (its yes is held to the same soundness
tests as ours). Formats are asserted: adding one narrows, dropping one widens.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jsonschema_rs
from jsonschema_rs.canonical import Containment

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.choices import Choices
from interlock.contracts.json_schema.conjunction import Budget, Conjunction, Part
from interlock.contracts.json_schema.dialect import dialects_of
from interlock.contracts.json_schema.proof import Prover
from interlock.contracts.json_schema.refuter import Refuter
from interlock.contracts.json_schema.samples import Sampler
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.json_schema.validator import refuse_deep

# Steps of proof and of search. A realistic question takes hundreds; this ends the others within seconds.
STEPS = 30_000
_CANONICAL_LIMIT = 200_000
_DRAFTS = {"4": 4, "6": 6, "7": 7, "2019-09": 19, "2020-12": 20}


@dataclass(frozen=True, slots=True)
class Included:
    """Proved."""


@dataclass(frozen=True, slots=True)
class Refuted:
    """`witness` is valid under the one and invalid under the other: the validator said so."""

    witness: Any


@dataclass(frozen=True, slots=True)
class Undecided:
    """Neither proved nor refuted within the budget. `pointer` is where in the including schema, as far as is known."""

    reason: str
    pointer: str = ""


Decision = Included | Refuted | Undecided


class Inclusion:
    """Two documents and what was proved between their schemas; several questions of one share the work."""

    def __init__(
        self, sub_root: Any, sup_root: Any, *, steps: int = STEPS, known: Sequence[SchemaDocument] = ()
    ) -> None:
        """`known` are documents that have been read before, of these roots or others."""
        dialects = None
        documents: list[SchemaDocument] = []
        for at, root in enumerate((sub_root, sup_root)):
            met = next((one for one in (*known, *documents) if one.root is root), None)
            if met is None:
                refuse_deep(root)
                dialects = dialects or dialects_of(sub_root, sup_root)
                met = SchemaDocument(root, dialects[at])
            documents.append(met)
        self.sub, self.sup = documents
        # Each part of the documents may have to be asked about once.
        self._steps = max(steps, 4 * max(self.sub.size, self.sup.size)) if steps >= STEPS else steps
        self._budget = Budget(self._steps)
        self._prover = Prover(self._budget)

    def decide(self, sub: Any, sup: Any) -> Decision:
        """Raises ContractInvalid for references that lead nowhere, and for what is no schema."""
        goal = Part(sup, self.sup)
        try:
            whole = Conjunction([Part(sub, self.sub)])
            if self.proved(whole, goal):
                return Included()
            for witness in self.witnesses(whole, goal):
                return Refuted(witness)
            return self._second_opinion(whole, sub, goal)
        except RecursionError:
            return Undecided("the schemas are nested too deeply")

    def refuter(self, steps: int) -> Refuter:
        """For searches of one's own, within so many steps."""
        self._budget.left = steps
        return Refuter(self._prover)

    def question(self, sub: Any, sup: Any) -> tuple[Conjunction, Part]:
        """The same question in the form that `proved` and `witnesses` take."""
        return Conjunction([Part(sub, self.sub)]), Part(sup, self.sup)

    def proved_part(self, sub: Part, sup: Part) -> bool:
        """The same for parts of the documents that another walk holds."""
        return self.proved(Conjunction([sub]), sup)

    def proved(self, whole: Conjunction, goal: Part) -> bool:
        self._budget.left = self._steps
        try:
            return self._prover.proves(whole, goal)
        except Budget.Spent:
            return False

    def witnesses(self, whole: Conjunction, goal: Part) -> Iterator[Any]:
        """Confirmed ones, until the budget is spent."""
        self._budget.left = self._steps
        try:
            yield from Refuter(self._prover).search(whole, goal)
        except Budget.Spent:
            return

    def _second_opinion(self, whole: Conjunction, sub: Any, goal: Part) -> Decision:
        try:
            one, other = self._canonical(sub, self.sub), self._canonical(goal.schema, self.sup)
            if other.covers(one) is Containment.YES:
                return Included()
            for witness in self._from_difference(one.subtract(other), whole, goal):
                return Refuted(witness)
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError, Budget.Spent):
            pass  # the canonical form has limits of its own; then nobody knows
        return Undecided("neither a proof nor a counterexample was found within the budget")

    def _canonical(self, schema: Any, document: SchemaDocument) -> Any:
        if schema is not document.root and not document.refers_to_nothing(schema):
            raise ValueError("a part whose references mean its document cannot stand alone")
        if len(repr(schema)) > _CANONICAL_LIMIT or not Choices(document).few(schema):
            raise ValueError("too large")
        return jsonschema_rs.canonicalize(
            schema, draft=_DRAFTS[document.dialect], validate_formats=True, offline=True
        )  # fmt: skip

    def _from_difference(self, difference: Any, whole: Conjunction, goal: Part) -> Iterator[Any]:
        schema = difference.to_json_schema()
        home = SchemaDocument(schema)
        self._budget.left = self._steps
        for turn in range(3):
            for value in Sampler(self._budget, turn).values(Conjunction([Part(schema, home)]), 0, 20):
                if not goal.document.admits(goal.schema, value) and all(
                    part.document.admits(part.schema, value) for part in whole.given
                ):
                    yield value


def included(sub: Any, sub_root: Any, sup: Any, sup_root: Any, *, steps: int = STEPS) -> Decision:
    """`sub` ⊆ `sup`, where references mean the roots. For many questions on one pair of roots, keep an `Inclusion`."""
    return Inclusion(sub_root, sup_root, steps=steps).decide(sub, sup)


__all__ = ["ContractInvalid", "Decision", "Included", "Inclusion", "Refuted", "Undecided", "included"]
