"""Set inclusion of two schemas, where their structure alone says nothing (not, if, dependent words, contains).

Each is bundled with all that it refers to and handed to the prover of JSON Schema. What is too large for that, or for
its budget, is undecided.
"""

from __future__ import annotations

from typing import Any

from interlock.contracts.api.schema_bundle import bundled
from interlock.contracts.comparison import Effect
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.inclusion import Included, Inclusion, Refuted
from interlock.contracts.local_reference import ReferenceInvalid
from interlock.contracts.openapi.api_document import ApiDocument, dumped
from interlock.contracts.openapi.schema_node import Key, Node, Side
from interlock.contracts.pointer import ABSENT

MAX_BYTES = 100_000
MAX_QUESTIONS = 100
STEPS = 5000


class Formal:
    def __init__(self, old: ApiDocument, new: ApiDocument, side: Side) -> None:
        self._old, self._new, self._side = old, new, side
        self._left = MAX_QUESTIONS
        self._known: dict[tuple[Key, Key], tuple[Effect, Any]] = {}

    def effect(self, old: Node, new: Node) -> tuple[Effect, Any]:
        key = (old.key, new.key)
        if key not in self._known:
            self._known[key] = self._decided(old, new) if self._left > 0 else ("undecided", ABSENT)
            self._left -= 1
        return self._known[key]

    def _decided(self, old: Node, new: Node) -> tuple[Effect, Any]:
        try:
            before, after = self._bundle(self._old, old), self._bundle(self._new, new)
            if len(dumped(before)) + len(dumped(after)) > MAX_BYTES:
                return "undecided", ABSENT
            sub, sup = (before, after) if self._side.direction == "request" else (after, before)
            decision = Inclusion(sub, sup, steps=STEPS).decide(sub, sup)
        except (ContractInvalid, ReferenceInvalid, ValueError, TypeError, AttributeError, RecursionError):
            return "undecided", ABSENT  # the prover is stricter about what is a schema than a comparison need be
        if isinstance(decision, Included):
            return "safe", ABSENT
        return ("breaking", decision.witness) if isinstance(decision, Refuted) else ("undecided", ABSENT)

    def _bundle(self, document: ApiDocument, node: Node) -> Any:
        schemas = [schema for schema, _ in node.parts]
        whole = schemas[0] if len(schemas) == 1 else {"allOf": schemas}
        return bundled(document.root, whole, self._side.direction)
