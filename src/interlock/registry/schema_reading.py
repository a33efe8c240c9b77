"""What a client sends, read and checked: the text as a document, alone and with all that it refers to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

from interlock.contracts.avro import schema as avro_schema
from interlock.contracts.avro.node import PRIMITIVES
from interlock.contracts.comparison import Kind
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.json_schema.unfolding import refuse_unfolding
from interlock.contracts.json_schema.validator import compiled
from interlock.contracts.strict_json import parse
from interlock.model.problems import CallerProblem
from interlock.ports.schema_store import Reference, SchemaContent
from interlock.registry.aside import Aside, here
from interlock.registry.avro_names import with_names
from interlock.registry.canonical import canonical, fingerprint
from interlock.registry.json_bundle import Drawn, bundled
from interlock.registry.refusal import INVALID_SCHEMA, TOO_LARGE

KINDS: dict[str, Kind] = {"JSON": "json-schema", "AVRO": "avro"}
LATER = {"PROTOBUF": "PROTOBUF is not there yet: this registry takes JSON and AVRO."}
MAX_BYTES = 1_000_000
MAX_BYTES_WITH_REFERENCES = 4_000_000
MAX_REFERENCES = 200
DEPTH = 128

Find = Callable[[Reference], Awaitable[SchemaContent | None]]
Contents = dict[tuple[str, int], SchemaContent]


class AskedSchema(NamedTuple):
    """As a request carries it. `metadata` is JSON text as the store keeps it, or ""."""

    text: str
    type: str = "AVRO"
    references: tuple[Reference, ...] = ()
    metadata: str = ""


@dataclass(frozen=True)
class ReadSchema:
    """A sound schema. `document` as it is written; `complete` needs nothing else and is what gets compared."""

    type: str
    text: str
    document: Any
    complete: Any
    references: tuple[Reference, ...]
    metadata: str

    def content(self, normalize: bool) -> SchemaContent:
        """As it is stored. Normalised, the text and the order of the references are those of everybody."""
        spelt = canonical(self.type, self.document, normalize)
        references = tuple(sorted(self.references)) if normalize else self.references
        print_ = fingerprint(self.type, spelt, references, self.metadata)
        return SchemaContent(self.type, spelt if normalize else self.text, print_, references, self.metadata)

    @cached_property
    def meaning(self) -> str:
        """Equal for two schemas that say the same, whether types are written here or referred to."""
        return canonical(self.type, self.complete, normalize=True)


class SchemaReader:
    """`find` leads to what schemas refer to: nothing is fetched from anywhere else."""

    def __init__(self, find: Find, aside: Aside = here) -> None:
        self._find = find
        self._aside = aside

    async def read(self, asked: AskedSchema) -> ReadSchema:
        """Raises Refusal 42201 or 42209."""
        if asked.type not in KINDS:
            raise INVALID_SCHEMA(LATER.get(asked.type) or f"{asked.type} is no schema type: JSON and AVRO are.")
        drawn = await self._drawn(asked)
        try:
            return await self._aside(partial(_made, asked, drawn, checked=True))
        except TimeoutError as late:
            raise INVALID_SCHEMA(f"it takes too long to read: {late}.") from None

    async def read_again(self, content: SchemaContent) -> ReadSchema:
        """A stored one, which was sound when it came."""
        asked = AskedSchema(content.text, content.type, content.references, content.metadata)
        drawn = await self._drawn(asked)
        return await self._aside(partial(_made, asked, drawn, checked=False))

    async def _drawn(self, asked: AskedSchema) -> Contents:
        """All that the schema refers to, each once: stored versions, so that references run in no circle."""
        found: Contents = {}
        open_ = list(asked.references)
        size = len(asked.text)
        while open_:
            reference = open_.pop()
            place = (reference.subject, reference.version)
            if place in found:
                continue
            content = await self._find(reference)
            if content is None:
                raise INVALID_SCHEMA(
                    f"the reference {reference.name} leads to subject {reference.subject} version {reference.version}, "
                    "which is not there."
                )
            if content.type != asked.type:
                raise INVALID_SCHEMA(f"the reference {reference.name} leads from {asked.type} to {content.type}.")
            size += len(content.text)
            if size > MAX_BYTES_WITH_REFERENCES or len(found) >= MAX_REFERENCES:
                raise TOO_LARGE(
                    f"With its references the schema is beyond {MAX_BYTES_WITH_REFERENCES} characters or "
                    f"{MAX_REFERENCES} schemas."
                )
            found[place] = content
            open_.extend(content.references)
        return found


def _made(asked: AskedSchema, contents: Contents, checked: bool) -> ReadSchema:
    document = _parsed(asked.type, asked.text)
    drawn = [Drawn(place, _parsed(one.type, one.text), one.references) for place, one in contents.items()]
    try:
        complete = _complete(asked.type, document, asked.references, drawn)
        if checked:
            _check(asked.type, complete)
    except ContractInvalid as invalid:
        place = f" at {invalid.pointer}" if invalid.pointer else ""
        raise INVALID_SCHEMA(f"{invalid.detail.rstrip('.')}{place}.") from None
    return ReadSchema(asked.type, asked.text, document, complete, asked.references, asked.metadata)


def _parsed(kind: str, text: str) -> Any:
    if not text.strip():
        raise INVALID_SCHEMA("the schema is empty.")
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        raise TOO_LARGE(f"The schema has {len(raw)} bytes; the limit is {MAX_BYTES}.")
    try:
        return parse(raw, DEPTH)
    except CallerProblem as problem:
        if kind == "AVRO" and text.strip() in PRIMITIVES:  # stock clients send a bare name so
            return text.strip()
        raise INVALID_SCHEMA(f"{problem.detail} {problem.step}") from None


def _complete(kind: str, document: Any, references: Sequence[Reference], drawn: Sequence[Drawn]) -> Any:
    if kind == "AVRO":
        return with_names(document, [one.document for one in drawn])
    return bundled(document, references, drawn)


def _check(kind: str, complete: Any) -> None:
    if kind == "AVRO":
        avro_schema.read(complete)
    else:
        compiled(complete)
        refuse_unfolding(complete)
