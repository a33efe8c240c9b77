"""Several schemas that must all hold of one value (and some that must not), opened up as far as no choice is needed.

`$ref` and `allOf` are followed at once; what leaves a choice (`anyOf`, `oneOf`, `if`, dependent keywords) stays closed
until `branches` splits it. A conjunction is the only form in which the machinery here looks at schemas.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.schema_document import SchemaDocument

MAX_PARTS = 5000
MAX_HOPS = 64
# Branches of oneOf that are split, each denying all others, where nothing tells them apart.
MAX_ONE_OF = 200
_UNKNOWN: Any = object()
# Beside a reference these say nothing of values.
_MERE = frozenset({"$ref", "title", "description", "$comment", "deprecated", "readOnly", "writeOnly"})
MAX_FAMILY = 20_000


class Budget:
    """Steps left; spending the last one ends the question, not the process."""

    class Spent(Exception):
        """The question was larger than its budget: undecided."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    def spend(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise Budget.Spent


class Part:
    """One schema and the document whose references it speaks. Immutable, and told apart by identity."""

    __slots__ = ("document", "key", "schema")

    def __init__(self, schema: Any, document: SchemaDocument) -> None:
        self.schema = schema
        self.document = document
        self.key = (id(schema), id(document))

    def spoken(self) -> Part:
        """Without the keywords of other drafts."""
        schema = self.document.spoken(self.schema)
        return self if schema is self.schema else Part(schema, self.document)

    def meant(self) -> Part:
        """What a mere reference refers to; else itself. So that all who refer to one schema ask one question."""
        part = self.spoken()
        for _ in range(MAX_HOPS):
            schema = part.schema
            if not isinstance(schema, dict) or "$ref" not in schema:
                break
            if not part.document.ref_alone and not schema.keys() <= _MERE:
                break
            part = Part(part.document.target(schema, schema["$ref"]), part.document).spoken()
        return part


class Conjunction:
    """Immutable. `parts` are plain objects without `$ref` and `allOf`; `never` is True when one of them was false.

    given   the parts before they were opened, for the identity test
    denied  parts that must not hold
    opened  which choices have been split already, by part and keyword
    """

    def __init__(
        self,
        given: Iterable[Part],
        denied: Iterable[Part] = (),
        opened: frozenset[tuple[Any, str]] = frozenset(),
        family: dict[Any, Conjunction] | None = None,
    ) -> None:
        self._family: dict[Any, Conjunction] = {} if family is None else family
        self.given = tuple({part.key: part for part in given if part.schema is not True}.values())
        self.denied = tuple({part.key: part for part in denied}.values())
        self.opened = opened
        self.key = (
            frozenset(part.key for part in self.given), frozenset(part.key for part in self.denied), opened,
        )  # fmt: skip
        self.never = any(part.schema is True for part in self.denied)
        seen: dict[tuple[int, int], Part] = {}
        self._open(seen)
        denied_more = [Part(part.schema["not"], part.document) for part in seen.values() if "not" in part.schema]
        self.denied = tuple({part.key: part for part in (*self.denied, *denied_more)}.values())
        self.parts = tuple(seen.values())
        self._facts: Any = None
        self._branches: list[Conjunction] | None = _UNKNOWN
        self._each: dict[str, list[tuple[Any, Part]]] | None = None

    def made(
        self,
        given: Iterable[Part],
        denied: Iterable[Part] = (),
        opened: frozenset[tuple[Any, str]] = frozenset(),
    ) -> Conjunction:
        """Another one, met again as the same object wherever the same is asked: what was found of it is kept."""
        given, denied = tuple(part.meant() for part in given), tuple(denied)
        key = (
            frozenset(part.key for part in given if part.schema is not True),
            frozenset(part.key for part in denied), opened,
        )  # fmt: skip
        known = self._family.get(key)
        if known is None:
            if len(self._family) > MAX_FAMILY:
                self._family.clear()
            known = self._family[key] = Conjunction(given, denied, opened, self._family)
        return known

    def _open(self, seen: dict[tuple[int, int], Part]) -> None:
        """Through `$ref` and `allOf`, each schema once: loops among them have been refused (references.py)."""
        stack = list(reversed(self.given))
        visited: set[tuple[int, int]] = set()
        while stack:
            part = stack.pop().spoken()
            schema = part.schema
            if schema is True or part.key in visited:
                continue
            if schema is False:
                self.never = True
                return
            if not isinstance(schema, dict):
                raise ContractInvalid("", "A schema is an object or a boolean.")
            if len(visited) > MAX_PARTS:
                raise ContractInvalid("", f"More than {MAX_PARTS} schemas hold of one value, by allOf and references.")
            visited.add(part.key)
            alone = "$ref" in schema and part.document.ref_alone
            if not alone and len(schema) > ("$ref" in schema) + ("allOf" in schema):
                seen[part.key] = part
            branches = () if alone else schema.get("allOf") or ()
            stack.extend(Part(branch, part.document) for branch in reversed(branches))
            if "$ref" in schema:
                stack.append(Part(part.document.target(schema, schema["$ref"]), part.document))

    def also(self, *parts: Part, denied: Iterable[Part] = (), opened: tuple[Any, str] | None = None) -> Conjunction:
        """This and more."""
        more = self.opened if opened is None else self.opened | {opened}
        return self.made((*self.given, *parts), (*self.denied, *denied), more)

    @property
    def facts(self) -> Any:
        if self._facts is None:
            from interlock.contracts.json_schema.facts import Facts  # the two are one thought in two files

            self._facts = Facts(self)
        return self._facts

    def each(self, keyword: str) -> Sequence[tuple[Any, Part]]:
        """What the parts say at this keyword, and which part says it."""
        if self._each is None:
            self._each = {}
            for part in self.parts:
                for name, value in part.schema.items():
                    self._each.setdefault(name, []).append((value, part))
        return self._each.get(keyword, ())

    def branches(self) -> list[Conjunction] | None:
        """The first closed choice, opened: their union is this. None when no choice is left."""
        if self._branches is _UNKNOWN:
            self._branches = self._split()
        return self._branches

    def _split(self) -> list[Conjunction] | None:
        for part in self.parts:
            for keyword, split in _SPLITS.items():
                if keyword in part.schema and (id(part.schema), keyword) not in self.opened:
                    many = keyword == "oneOf" and len(part.schema[keyword]) > MAX_ONE_OF
                    if many and told_apart(part, keyword) is None:
                        continue
                    found: list[Conjunction] | None = split(self, part, (id(part.schema), keyword))
                    if found is not None:
                        return found
        return None


def told_apart(part: Part, keyword: str) -> Any:
    """The discriminator of these branches, if they have one; looked for once."""
    from interlock.contracts.json_schema.discriminator import discriminator  # knows parts itself

    branches = part.schema[keyword]
    known = part.document.told_apart
    if id(branches) not in known:
        found = discriminator([Part(branch, part.document) for branch in branches])
        known[id(branches)] = (branches, found)
    return known[id(branches)][1]


def _any_of(whole: Conjunction, part: Part, mark: tuple[Any, str]) -> list[Conjunction]:
    return [whole.also(Part(branch, part.document), opened=mark) for branch in part.schema["anyOf"]]


def _one_of(whole: Conjunction, part: Part, mark: tuple[Any, str]) -> list[Conjunction]:
    branches = [Part(branch, part.document) for branch in part.schema["oneOf"]]
    if told_apart(part, "oneOf") is not None:
        return [whole.also(one, opened=mark) for one in branches]
    return [whole.also(one, denied=[other for other in branches if other is not one], opened=mark) for one in branches]


def _if(whole: Conjunction, part: Part, mark: tuple[Any, str]) -> list[Conjunction]:
    document, schema = part.document, part.schema
    condition = Part(schema["if"], document)
    return [
        whole.also(condition, Part(schema.get("then", True), document), opened=mark),
        whole.also(Part(schema.get("else", True), document), denied=[condition], opened=mark),
    ]


def _dependent(keyword: str) -> Any:
    def split(whole: Conjunction, part: Part, mark: tuple[Any, str]) -> list[Conjunction] | None:
        for name, wanted in part.schema[keyword].items():
            own = (mark[0], f"{keyword} {name}")
            if own in whole.opened:
                continue
            made = part.document.made
            then = Part(made({"required": wanted}) if isinstance(wanted, list) else wanted, part.document)
            if name in whole.facts.required and whole.facts.types == {"object"}:
                return [whole.also(then, opened=own)]
            there = Part(made({"type": "object", "required": [name]}), part.document)
            absent = Part(made({"properties": {name: False}}), part.document)
            return [whole.also(there, then, opened=own), whole.also(absent, opened=own)]
        return None

    return split


_SPLITS: dict[str, Any] = {
    "oneOf": _one_of,
    "anyOf": _any_of,
    "if": _if,
    "dependentRequired": _dependent("dependentRequired"),
    "dependentSchemas": _dependent("dependentSchemas"),
    "dependencies": _dependent("dependencies"),
}
