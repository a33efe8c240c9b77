"""Which changed place refuses a document: what the validator says of it, laid over the places that changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import jsonschema_rs

from interlock.contracts.comparison import Direction
from interlock.contracts.json_schema.rules import mostly_breaks
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.json_schema.walk import Fact

Place = tuple[str, ...]
MAX_ERRORS = 50
# Scores: at the very place or by name; and what that is worth above all the rest.
EXACT = 900
SURE = 2000
_FOREIGN = ("Constant", "Enum", "Type")
# Of those that stand elsewhere.
MAX_SUSPECTS = 200


class Blame:
    """The places are those of the refusing side."""

    def __init__(
        self, schema: Any, document: SchemaDocument, suspects: Sequence[tuple[int, Place, Fact]], direction: Direction
    ) -> None:
        self._document = document
        self._schema = schema
        self._suspects = suspects
        self._direction = direction
        self._at: dict[Place, list[tuple[int, Place, Fact]]] = {}
        self._named: dict[str, list[tuple[int, Place, Fact]]] = {}
        for suspect in suspects:
            self._at.setdefault(suspect[1], []).append(suspect)
            self._named.setdefault(suspect[2].name, []).append(suspect)

    def of(self, witness: Any, known: set[int]) -> Iterator[int]:
        """Suspects that this document accuses. One that only encloses the failure is accused when none is nearer."""
        for count, error in enumerate(self._document.errors(self._schema, witness)):
            if count >= MAX_ERRORS:
                return
            # The failure of a union comes after those of its alternatives: who did it there, did it.
            exact = False
            for place, names in self._failures(error, ()):
                score, accused = self._nearest(place, names, known)
                if accused is not None and not (exact and score < SURE):
                    exact = exact or score >= SURE
                    yield accused

    def _failures(
        self, error: jsonschema_rs.ValidationError, depth: tuple[int, ...]
    ) -> Iterator[tuple[Place, set[str]]]:
        kind = error.kind.as_dict()
        names = {str(one) for one in kind.get("unexpected", ())}
        if isinstance(kind.get("property"), str):
            names.add(kind["property"])
        for branch in _meant(kind.get("context") or ()) if len(depth) < 4 else ():
            for inner in branch:
                yield from self._failures(inner, (*depth, 0))
        yield self._plain([str(token) for token in error.schema_path]), names

    def _plain(self, path: list[str]) -> Place:
        """Through references to the place where the words stand."""
        place: Place = ()
        schema: Any = self._schema
        for step in path:
            if step in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(schema, dict):
                found = self._document.target(schema, schema[step])
                place, schema = self._document.place(schema, schema[step], found), found
                continue
            place = (*place, step)
            if isinstance(schema, dict):
                schema = schema.get(step)
            elif isinstance(schema, list) and step.isdecimal() and int(step) < len(schema):
                schema = schema[int(step)]
        return place

    def _nearest(self, place: Place, names: set[str], known: set[int]) -> tuple[int, int | None]:
        # What stands at the very place, or is named there, outdoes all others: mostly nobody else needs a look.
        exact = [*self._at.get(place, ()), *(one for name in names for one in self._named.get(name, ()))]
        found = self._best(exact, place, names, known)
        if found is None or found[0] < SURE:
            found = self._best(self._suspects[:MAX_SUSPECTS], place, names, known)
        return (0, None) if found is None else (found[0], -found[2])

    def _best(
        self, suspects: Sequence[tuple[int, Place, Fact]], place: Place, names: set[str], known: set[int]
    ) -> tuple[int, int, int] | None:
        best: tuple[int, int, int] | None = None
        for index, mine, fact in suspects:
            score = _score(mine, fact, place, names)
            if score:
                score += SURE * (score >= EXACT) + mostly_breaks(fact.rule, self._direction) * 600
                rank = (score, -(index in known), -index)
                best = rank if best is None or rank > best else best
        return best


def _meant(branches: Sequence[Sequence[jsonschema_rs.ValidationError]]) -> Sequence[Sequence[Any]]:
    """The alternatives that the document seems to be one of: those that fail least by a type or a fixed value."""
    foreign = [sum(type(one.kind).__name__ in _FOREIGN for one in branch) for branch in branches]
    least = min(foreign, default=0)
    return [branch for branch, count in zip(branches, foreign, strict=True) if count == least]


def _score(mine: Place, fact: Fact, place: Place, names: set[str]) -> int:
    """Nearness: 0 is none. The same place most, then what is named there, then what is around or beneath."""
    if mine == place:
        if names and fact.name and fact.rule.startswith("required"):
            return 1000 if fact.name in names else 0
        return 900
    parent = place[:-1]
    if fact.name and fact.name in names and mine[: len(parent)] == parent:
        return 950  # a property that went, refused by the closed model; or a new one that is required
    shared = next((at for at, (one, other) in enumerate(zip(mine, place, strict=False)) if one != other), None)
    if shared is not None and mine[shared] == "if" and place[shared] in ("then", "else"):
        return 800  # a condition is refused by what follows from it
    if place[: len(mine)] == mine:
        return 500 + len(mine)
    if mine[: len(place)] == place:
        return 300 - min(len(mine), 200)
    if mine[:-1] == parent:
        return 50
    return 0
