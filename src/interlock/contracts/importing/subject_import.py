"""Subjects of a schema registry as event contracts: each version of a subject one of its contract.

A registry numbers versions 1, 2, 3; what they mean for readers, the diff says: the first is 1.0.0, and each next one
goes up by the level of its change.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from interlock.contracts.avro.schema import read as read_avro
from interlock.contracts.comparison import Level
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.importing.avro_schema import json_schema_of
from interlock.contracts.importing.event_import import (
    ImportedEvent,
    domain_of,
    event_of,
    event_schema,
    note_name,
    renamed,
)
from interlock.contracts.importing.filling import Filling, fill_event
from interlock.contracts.importing.note import Notes
from interlock.contracts.importing.schema_upgrade import SchemaUpgrade
from interlock.contracts.json_schema.dialect import dialect_of
from interlock.contracts.json_schema.schema_document import SchemaDocument
from interlock.contracts.semver import SemanticVersion

LevelOf = Callable[[Any, Any], Level]
_VALUE, _KEY = "-value", "-key"


@dataclass(frozen=True, slots=True)
class SubjectVersion:
    """`document` needs nothing from other subjects any more; `unread` says why there is none."""

    subject: str
    version: int
    id: int
    type: str
    document: Any = None
    unread: str = ""

    @property
    def source(self) -> str:
        return f"{self.subject} version {self.version}"


@dataclass(frozen=True, slots=True)
class Subject:
    """Versions oldest first. `compatibility` is the subject's own mode, None where it has the registry's."""

    name: str
    versions: Sequence[SubjectVersion]
    compatibility: str | None = None


class SubjectImport:
    """`carried` maps each version of a subject to the event that it became."""

    def __init__(
        self,
        owner: str,
        level_of: LevelOf,
        filling: Filling,
        notes: Notes,
        domain: str | None = None,
        renames: Mapping[str, str] | None = None,
    ) -> None:
        self._owner = owner
        self._level_of = level_of
        self._filling = filling
        self._notes = notes
        self._domain = domain
        self._renames = dict(renames or {})
        self._taken: dict[str, str] = {}
        self.carried: dict[tuple[str, int], ImportedEvent] = {}

    def add(self, subject: Subject) -> None:
        """What cannot be carried is noted, version by version."""
        if subject.name.endswith(_KEY):
            self._lost(subject.name, "The schema of keys.", "A contract names its key by x-interlock.partition_key.",
                       "Point --partition-key at the field of the value that is the key.")  # fmt: skip
            return
        last: ImportedEvent | None = None
        for one in subject.versions:
            schema = self._schema(one)
            if schema is None:
                continue
            names = self._names(subject.name, schema, one)
            if names is None:
                return
            last = self._event(one, names, schema, last)
            self.carried[one.subject, one.version] = last
        if last is not None:
            self._tell(subject, last)

    def events(self) -> Iterator[ImportedEvent]:
        yield from self.carried.values()

    def _schema(self, one: SubjectVersion) -> dict[str, Any] | None:
        if one.unread:
            self._lost(one.source, f"A schema of type {one.type}.", one.unread, "Write its contract by hand.")
            return None
        try:
            if one.type == "AVRO":
                return json_schema_of(read_avro(one.document), one.source, self._notes)
            document = SchemaDocument(one.document, dialect_of(one.document))
            return SchemaUpgrade(document, self._notes).of(one.document, one.source)
        except ContractInvalid as error:
            self._lost(one.source + error.pointer, "This version.", error.detail, "Correct it in the registry.")
            return None

    def _names(self, subject: str, schema: Mapping[str, Any], one: SubjectVersion) -> tuple[str, str, str] | None:
        """Domain, event, and what the source calls it; None when another subject has them.

        They are made of the record's full name, else of title and subject.
        """
        base = subject.rpartition(":")[2].removesuffix(_VALUE)
        full = _record_name(one.document) if one.type == "AVRO" else ""
        said = full.rpartition(".")[2] or str(schema.get("title") or "") or base.rpartition(".")[2]
        group = self._domain or domain_of((full if "." in full else base).rpartition(".")[0].rpartition(".")[2] or base)
        event = event_of(renamed(subject, self._renames) if subject in self._renames else renamed(said, self._renames))
        if not event:
            self._lost(
                subject, "The whole subject.", "Nothing in it is a name.", "Name it: --rename SUBJECT=NameOfTheFact"
            )
            return None
        other = self._taken.setdefault(f"{group}.{event}", subject)
        if other != subject:
            self._lost(subject, "The whole subject.", f"{other} became the event {group}.{event} already.",
                       f"Name it: --rename {subject}=NameOfTheFact")  # fmt: skip
            return None
        return group, event, said

    def _event(
        self, one: SubjectVersion, names: tuple[str, str, str], schema: dict[str, Any], last: ImportedEvent | None
    ) -> ImportedEvent:
        domain, event, said = names
        title = "".join(word.capitalize() for word in event.split("_"))
        kept = {"x-registry": {"subject": one.subject, "version": one.version, "id": one.id, "type": one.type}}
        whole = event_schema(copy.deepcopy(schema), title, str(schema.get("description") or ""), self._owner, kept)
        made = ImportedEvent(domain, event, SemanticVersion(1, 0, 0), whole, one.source)
        fill_event(made, self._filling, self._notes)
        if last is None:
            note_name(said, made, self._notes)
            return made
        level = self._level_of(last.schema, made.schema)
        return made._replace(version=_bumped(last.version, level))

    def _tell(self, subject: Subject, last: ImportedEvent) -> None:
        """What a whole subject says: its mode, and majors that the estate wants an end for."""
        if subject.compatibility in ("NONE", None):
            if subject.compatibility:
                self._lost(subject.name, "The compatibility NONE.", "An estate takes it with a waiver only.",
                           "Write a waiver, or leave the contract to the estate's mode.")  # fmt: skip
        else:
            last.schema[EXTENSION]["compatibility"] = subject.compatibility
        for major in range(1, last.version.major):
            self._notes.add(
                subject.name, "missing", f"{last.name} {major}.x has no end: the registry let a breaking change pass.",
                "Who reads the old one has to know until when.",
                f'Add to deprecations.toml: [[deprecation]] contract = "{last.name}", major = {major}, deprecated, '
                f'sunset, successor = "{major + 1}.0.0", contact and reason.',
            )  # fmt: skip

    def _lost(self, source: str, what: str, why: str, step: str) -> None:
        self._notes.add(source, "lost", what, why, step)


def _record_name(document: Any) -> str:
    if not isinstance(document, Mapping) or not isinstance(document.get("name"), str):
        return ""
    name = str(document["name"])
    space = document.get("namespace")
    return name if "." in name or not isinstance(space, str) or not space else f"{space}.{name}"


def _bumped(version: SemanticVersion, level: Level) -> SemanticVersion:
    if level == "major":
        return SemanticVersion(version.major + 1, 0, 0)
    if level == "minor":
        return SemanticVersion(version.major, version.minor + 1, 0)
    return SemanticVersion(version.major, version.minor, version.patch + 1)


_SLUG = re.compile(r"[^a-z0-9]+")


def slug(text: str) -> str:
    return _SLUG.sub("-", text.lower()).strip("-") or "source"
