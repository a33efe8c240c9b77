"""Whether a reader's Avro schema understands what a writer's wrote (specification 1.12.0, 'Schema Resolution').

Names of types match without their namespace, or by an alias of the reader. Where a reader's union has several branches
that match, one that can read the whole value is enough, as in Java's SchemaCompatibility. Decimals match only with
equal precision and scale, as the specification says. Of other logical types it says nothing; but milliseconds that are
read as microseconds are as wrong as a value that cannot be read, and nobody is told. LENIENT looks at neither, as
Java's checker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from interlock.contracts.avro.node import Field, Node
from interlock.contracts.pointer import ABSENT

# What each primitive of a writer may become ('Schema Resolution', promotions).
PROMOTIONS: dict[str, frozenset[str]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
Cause = Literal["type", "name", "size", "symbols", "field", "branch", "decimal", "logical", "ambiguous"]


class Step(NamedTuple):
    """From a writer's type to a part of it: a field's name, a union's branch, an enum's symbol, or a member (None)."""

    part: str | int | None


@dataclass(frozen=True, slots=True)
class Mismatch:
    """`trail` leads from the writer's root to a value that cannot be read."""

    cause: Cause
    reader: Node
    writer: Node
    reader_place: str
    writer_place: str
    trail: tuple[Step, ...]
    field: Field | None = None
    symbols: tuple[str, ...] = ()


class Resolution:
    """One reader, one writer. Recursive types are walked once for each pair of types."""

    def __init__(self, reader: Node, writer: Node, *, logical_types: bool = True) -> None:
        self._roots = (reader, writer)
        self._logical_types = logical_types
        self._walked: set[tuple[int, int]] = set()
        self._readable: dict[tuple[int, int], bool] = {}
        self._assumed: list[tuple[int, int]] = []  # what was found readable, in order: it may rest on an assumption
        self._branches_of: dict[int, dict[tuple[str, str], list[Node]]] = {}

    def mismatches(self) -> Iterator[Mismatch]:
        """Each once, in the order of the reader's schema."""
        reader, writer = self._roots
        return self._walk(reader, writer, reader.place, writer.place, ())

    def _walk(self, reader: Node, writer: Node, at: str, was: str, trail: tuple[Step, ...]) -> Iterator[Mismatch]:
        if writer.kind == "union":
            yield from self._branches(reader, writer, at, trail)
            return
        if reader.kind == "union":
            yield from self._into_union(reader, writer, at, was, trail)
            return
        own = list(self._own_mismatches(reader, writer, at, was, trail))
        yield from own
        if own or (id(reader), id(writer)) in self._walked:
            return
        self._walked.add((id(reader), id(writer)))
        if reader.items is not None and writer.items is not None:
            member = "items" if reader.kind == "array" else "values"
            places = (f"{reader.place}/{member}", f"{writer.place}/{member}")
            yield from self._walk(reader.items, writer.items, *places, (*trail, Step(None)))
        elif reader.kind == "record":
            yield from self._fields(reader, writer, trail)

    def _branches(self, reader: Node, writer: Node, at: str, trail: tuple[Step, ...]) -> Iterator[Mismatch]:
        """Every branch of the writer has to be readable."""
        for position, branch in enumerate(writer.branches):
            was = f"{writer.place}/{position}"
            yield from self._walk(reader, branch, at, was, (*trail, Step(position)))

    def _into_union(self, reader: Node, writer: Node, at: str, was: str, trail: tuple[Step, ...]) -> Iterator[Mismatch]:
        if any(self._reads(branch, writer) for branch in self._akin(reader, writer)):
            return
        near = [branch for branch in self._akin(reader, writer) if branch.kind == writer.kind]
        near = near or list(self._akin(reader, writer))
        if len(near) == 1:  # the branch is there, and something about it is wrong: that is what to tell
            place = f"{reader.place}/{reader.branches.index(near[0])}"
            yield from self._walk(near[0], writer, place, was, trail)
        else:
            yield Mismatch("branch", reader, writer, at, was, trail)

    def _akin(self, union: Node, writer: Node) -> Iterator[Node]:
        """The branches that may read it, by kind and name: a union may have thousands."""
        known = self._branches_of.get(id(union))
        if known is None:
            known = self._branches_of[id(union)] = _by_kind_and_name(union)
        for kind in (writer.kind, *sorted(PROMOTIONS.get(writer.kind, ()))):
            names = (writer.short_name, writer.name) if writer.name else ("",)
            yield from dict.fromkeys(branch for name in dict.fromkeys(names) for branch in known.get((kind, name), ()))

    def _own_mismatches(
        self, reader: Node, writer: Node, at: str, was: str, trail: tuple[Step, ...]
    ) -> Iterator[Mismatch]:
        """Of two types that are no unions, without their members."""
        if reader.kind != writer.kind:
            if reader.kind not in PROMOTIONS.get(writer.kind, ()):
                yield Mismatch("type", reader, writer, at, was, trail)
            elif self._misread(reader, writer):
                yield Mismatch("logical", reader, writer, at, was, trail)
            return
        if not _same_name(reader, writer):
            yield Mismatch("name", reader, writer, at, was, trail)
        elif reader.kind == "fixed" and reader.size != writer.size:
            yield Mismatch("size", reader, writer, at, was, trail)
        elif (
            reader.kind == "enum" and reader.default is None and (gone := writer.symbols.keys() - reader.symbols.keys())
        ):
            symbols = tuple(symbol for symbol in writer.symbols if symbol in gone)
            yield Mismatch("symbols", reader, writer, at, was, (*trail, Step(symbols[0])), symbols=symbols)
        elif self._misread(reader, writer):
            cause: Cause = "decimal" if reader.logical == writer.logical else "logical"
            yield Mismatch(cause, reader, writer, at, was, trail)

    def _misread(self, reader: Node, writer: Node) -> bool:
        if not self._logical_types or not reader.logical or not writer.logical:
            return False
        return reader.logical != writer.logical or reader.decimal != writer.decimal

    def _fields(self, reader: Node, writer: Node, trail: tuple[Step, ...]) -> Iterator[Mismatch]:
        for field, sources in _sources(reader, writer):
            if len(sources) > 1:
                yield Mismatch("ambiguous", reader, writer, field.place, writer.place, trail, field=field)
            elif sources:
                places = (f"{field.place}/type", f"{sources[0].place}/type")
                yield from self._walk(field.node, sources[0].node, *places, (*trail, Step(sources[0].name)))
            elif field.default is ABSENT:
                yield Mismatch("field", reader, writer, field.place, writer.place, trail, field=field)

    def _reads(self, reader: Node, writer: Node) -> bool:
        """Whether a whole value can be read. A pair under way counts as readable until it is refuted: recursion."""
        pair = (id(reader), id(writer))
        if pair in self._readable:
            return self._readable[pair]
        self._readable[pair] = True
        before = len(self._assumed)
        answer = self._reads_parts(reader, writer)
        if answer:
            self._assumed.append(pair)
        else:
            for found in self._assumed[before:]:  # under a wrong assumption
                del self._readable[found]
            del self._assumed[before:]
            self._readable[pair] = False
        return answer

    def _reads_parts(self, reader: Node, writer: Node) -> bool:
        if writer.kind == "union":
            return all(self._reads(reader, branch) for branch in writer.branches)
        if reader.kind == "union":
            return any(self._reads(branch, writer) for branch in self._akin(reader, writer))
        if any(self._own_mismatches(reader, writer, "", "", ())):
            return False
        if reader.items is not None and writer.items is not None:
            return self._reads(reader.items, writer.items)
        return reader.kind != "record" or self._reads_fields(reader, writer)

    def _reads_fields(self, reader: Node, writer: Node) -> bool:
        for field, sources in _sources(reader, writer):
            if len(sources) > 1 or (not sources and field.default is ABSENT):
                return False
            if sources and not self._reads(field.node, sources[0].node):
                return False
        return True


def _sources(reader: Node, writer: Node) -> Iterator[tuple[Field, list[Field]]]:
    """Each field of the reader with the fields of the writer that it may mean; more than one is a mistake.

    A field that two of the reader's claim counts twice for the one that has it by alias: some readers give it to the
    one, some to the other.
    """
    written = {field.name: field for field in writer.fields}
    found = [
        (field, [written[name] for name in dict.fromkeys((field.name, *field.aliases)) if name in written])
        for field in reader.fields
    ]
    claims = Counter(source.name for _, sources in found for source in sources)
    for field, sources in found:
        contested = len(sources) == 1 and sources[0].name != field.name and claims[sources[0].name] > 1
        yield field, sources * 2 if contested else sources


def _by_kind_and_name(union: Node) -> dict[tuple[str, str], list[Node]]:
    """Last names, and the full names of aliases; see `_same_name`."""
    found: dict[tuple[str, str], list[Node]] = {}
    for branch in union.branches:
        for name in {branch.short_name, *branch.aliases}:
            found.setdefault((branch.kind, name), []).append(branch)
    return found


def _same_name(reader: Node, writer: Node) -> bool:
    """Of two types of one kind. Types without a name always match."""
    return not reader.name or reader.short_name == writer.short_name or writer.name in reader.aliases
