"""An AsyncAPI document of version 2 or 3 as event contracts: one for each message."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from interlock.contracts import pointer
from interlock.contracts.avro.schema import read as read_avro
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.importing.asyncapi_messages import Message, messages, unused
from interlock.contracts.importing.avro_schema import json_schema_of
from interlock.contracts.importing.event_import import (
    ImportedEvent,
    domain_of,
    event_of,
    event_schema,
    note_name,
    renamed,
)  # fmt: skip
from interlock.contracts.importing.note import Notes
from interlock.contracts.importing.openapi_upgrade import upgraded
from interlock.contracts.importing.references import check_references
from interlock.contracts.importing.schema_upgrade import SchemaUpgrade
from interlock.contracts.importing.source_version import source_version
from interlock.contracts.json_schema.dialect import Dialect
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.semver import SemanticVersion

_OF_FORMAT: tuple[tuple[re.Pattern[str], Dialect], ...] = (
    (re.compile(r"application/vnd\.aai\.asyncapi(\+json|\+yaml)?(;version=.*)?"), "7"),
    (re.compile(r"application/schema\+(json|yaml);version=draft-0?7"), "7"),
    (re.compile(r"application/schema\+(json|yaml);version=draft-0?6"), "6"),
    (re.compile(r"application/schema\+(json|yaml);version=draft-0?4"), "4"),
    (re.compile(r"application/schema\+(json|yaml);version=.*2019-09"), "2019-09"),
    (re.compile(r"application/schema\+(json|yaml);version=.*2020-12"), "2020-12"),
)
_AVRO = re.compile(r"application/vnd\.apache\.avro(\+json|\+yaml)?;version=1\.\d+(\.\d+)?")
_OPENAPI = re.compile(r"application/vnd\.oai\.openapi(\+json|\+yaml)?;version=3\.0\.\d+")
_MOST_PARTS = 500  # and so never as deep as to end the recursion
_KEPT = ("headers", "correlationId", "contentType", "bindings", "tags", "externalDocs")


def import_events(
    document: Any,
    owner: str,
    notes: Notes,
    domain: str | None = None,
    version: SemanticVersion | None = None,
    renames: Mapping[str, str] | None = None,
) -> list[ImportedEvent]:
    """In the order of the document. Raises ContractInvalid for what is no AsyncAPI 2 or 3."""
    check_references(document)
    info = document.get("info") if isinstance(document.get("info"), Mapping) else {}
    number = version or source_version(info.get("version"), "/info/version", notes)
    maker = _Maker(document, owner, domain or domain_of(str(info.get("title") or "events")), number, notes)
    found = [made for one in messages(document) if (made := maker.event(one, dict(renames or {}))) is not None]
    for place, what in unused(document):
        notes.add(
            place, "lost", f"{what[0].upper()}{what[1:]}.", "A contract says what an event is, not how it travels.",
            "Declare systems in systems/<name>.toml; keep the document where its transport is agreed.",
        )  # fmt: skip
    return _unique(found, notes)


class _Maker:
    def __init__(
        self, document: Mapping[str, Any], owner: str, domain: str, version: SemanticVersion, notes: Notes
    ) -> None:
        self._document = document
        self._owner = owner
        self._domain = domain
        self._version = version
        self._notes = notes

    def event(self, message: Message, renames: dict[str, str]) -> ImportedEvent | None:
        said = message.name
        name = event_of(renamed(said, renames))
        if not name:
            self._lost(message.place, "A message without a name.", "Nothing in the document says what it is called.")
            return None
        schema = self._payload(message)
        if schema is None:
            return None
        title = "".join(word.capitalize() for word in name.split("_"))
        content = message.content
        description = str(content.get("description") or content.get("summary") or "")
        whole = event_schema(schema, title, description, self._owner, self._kept(message))
        examples = [
            one["payload"] for one in content.get("examples") or () if isinstance(one, Mapping) and "payload" in one
        ]
        if examples:
            whole["examples"] = [*whole.get("examples", []), *examples]
        made = ImportedEvent(self._domain, name, self._version, whole, message.place)
        note_name(said, made, self._notes)
        return made

    def _payload(self, message: Message) -> dict[str, Any] | None:
        place, payload = f"{message.place}/payload", message.content.get("payload")
        stated = message.content.get("schemaFormat")
        if isinstance(payload, Mapping) and "schemaFormat" in payload:  # version 3: Multi Format Schema Object
            place, stated, payload = f"{place}/schema", payload["schemaFormat"], payload.get("schema")
        if payload is None:
            self._lost(message.place, f"The message {message.name}.", "It has no payload to make a contract of.")
            return None
        if stated is None:
            return SchemaUpgrade(SchemaDocument(self._document, "7"), self._notes).of(payload, place)
        text = str(stated).replace(" ", "")
        for pattern, dialect in _OF_FORMAT:
            if pattern.fullmatch(text):
                return SchemaUpgrade(SchemaDocument(self._document, dialect), self._notes).of(payload, place)
        if _AVRO.fullmatch(text):
            return self._avro(payload, place)
        if _OPENAPI.fullmatch(text):
            return self._openapi(payload, place)
        self._lost(
            place, f"The message {message.name}.", f"Its payload is written in {stated}, which is not read here."
        )
        return None

    def _avro(self, payload: Any, place: str) -> dict[str, Any]:
        try:
            return json_schema_of(read_avro(payload), place, self._notes)
        except ContractInvalid as error:
            raise ContractInvalid(place + error.pointer, error.detail) from None

    def _openapi(self, payload: Any, place: str) -> dict[str, Any]:
        """The upgrade works on whole documents, so it is shown one that holds the components and this payload."""
        components = self._document.get("components") or {}
        own = {"schemas": {**(components.get("schemas") or {}), "payload of this message": payload}}
        document = upgraded({"openapi": "3.0.3", "components": own}, self._notes)
        schema = document["components"]["schemas"]["payload of this message"]
        return SchemaUpgrade(SchemaDocument(document, "2020-12"), self._notes).of(schema, place)

    def _kept(self, message: Message) -> dict[str, Any]:
        """What is said of the message beside its payload. References in it would lead nowhere: they are written out."""
        kept: dict[str, Any] = {}
        for word in _KEPT:
            if word in message.content:
                kept[word] = self._said(word, message)
                self._notes.add(
                    f"{message.place}/{word}", "kept", f"{word} of {message.name}, under x-asyncapi.",
                    "Events travel as CloudEvents here; nothing enforces it.",
                    "Make a field of what handlers must see; leave the rest to the transport.",
                )  # fmt: skip
        if message.traffic:
            kept["channels"] = message.traffic
        return {"x-asyncapi": kept} if kept else {}

    def _said(self, word: str, message: Message) -> Any:
        value = message.content[word]
        if word == "headers":
            document = SchemaDocument(self._document, "7")
            return SchemaUpgrade(document, self._notes).of(value, f"{message.place}/headers")
        return _written_out(self._document, value, [_MOST_PARTS])

    def _lost(self, place: str, what: str, why: str) -> None:
        self._notes.add(place, "lost", what, why, "Write its contract by hand: interlock new event DOMAIN.Name")


def _written_out(document: Any, value: Any, left: list[int]) -> Any:
    """References replaced by what they mean, as far as `left` parts go: they may multiply, or run in a circle."""
    left[0] -= 1
    if isinstance(value, list):
        return [_written_out(document, part, left) for part in value]
    if not isinstance(value, Mapping):
        return value
    reference = value.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        if left[0] < 0:
            return {"x-reference": reference}
        return _written_out(document, pointer.find(document, pointer.split(reference[1:])), left)
    return {name: _written_out(document, part, left) for name, part in value.items()}


def _unique(found: list[ImportedEvent], notes: Notes) -> list[ImportedEvent]:
    """Two messages of one name are one event where they say the same; the second is told of where they do not."""
    by_name: dict[str, ImportedEvent] = {}
    for one in found:
        first = by_name.setdefault(one.name, one)
        if first is not one and first.schema != one.schema:
            notes.add(
                one.source, "lost", f"A second message named {one.name}.",
                f"The one at {first.source} has that name, and they differ.",
                "Give it another name with --rename, or at the source, and import again.",
            )  # fmt: skip
    return list(by_name.values())
