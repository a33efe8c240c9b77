"""Puts an import together: the source read, contracts made of it, and their files in the estate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from interlock.app.registry_source import RegistrySource
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.diff import compare
from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.importing.api_import import import_api
from interlock.contracts.importing.asyncapi_import import import_events
from interlock.contracts.importing.event_import import ImportedEvent
from interlock.contracts.importing.filling import Filling, fill_api, fill_event
from interlock.contracts.importing.note import Note, Notes
from interlock.contracts.importing.subject_import import SubjectImport, slug
from interlock.contracts.semver import SemanticVersion
from interlock.estate.folder import Folder
from interlock.estate.import_files import Import, api_file, event_file, printed, put
from interlock.estate.import_report import markdown


class SourceUnreadable(Exception):
    """The source has a mistake at a line, and what to do about it."""

    def __init__(self, place: str, line: int, detail: str, step: str) -> None:
        super().__init__(f"{place}:{line}  {detail}\n   {step}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user has decided. `name` is the API's, `domain` that of the events."""

    owner: str
    filling: Filling = field(default_factory=Filling)
    name: str | None = None
    domain: str | None = None
    version: SemanticVersion | None = None
    renames: Mapping[str, str] = field(default_factory=dict)
    replace: bool = False
    dry: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """`report` is Markdown; `place` the file of the estate that holds it."""

    made: Import
    notes: tuple[Note, ...]
    report: str
    place: str


def from_openapi(source: Path, folder: Folder, wanted: Wanted) -> Imported:
    """Raises SourceUnreadable, OSError."""
    text, notes = _text(source), Notes()
    try:
        api = import_api(text.value, wanted.owner, notes, wanted.name, wanted.version)
    except ContractInvalid as error:
        raise SourceUnreadable(str(source), text.line(error.pointer), error.detail, error.step) from None
    fill_api(api, wanted.filling, notes)
    texts = {api_file(api): (printed(api.document), source.name)}
    return _put(folder, f"openapi-{api.name}", f"Import of {source.name}", texts, {"kind": "openapi"}, notes, wanted)


def from_asyncapi(source: Path, folder: Folder, wanted: Wanted) -> Imported:
    """Raises SourceUnreadable, OSError."""
    text, notes = _text(source), Notes()
    if not isinstance(text.value, Mapping) or "asyncapi" not in text.value:
        step = "Give an AsyncAPI 2 or 3 document. OpenAPI is imported by: interlock import openapi"
        raise SourceUnreadable(str(source), 1, "The document is no AsyncAPI: it has no `asyncapi`.", step)
    try:
        events = import_events(text.value, wanted.owner, notes, wanted.domain, wanted.version, wanted.renames)
    except ContractInvalid as error:
        raise SourceUnreadable(str(source), text.line(error.pointer), error.detail, error.step) from None
    for event in events:
        fill_event(event, wanted.filling, notes)
    name = f"asyncapi-{slug(wanted.domain or (events[0].domain if events else source.stem))}"
    return _put(folder, name, f"Import of {source.name}", _texts(events), {"kind": "asyncapi"}, notes, wanted)


def from_registry(source: RegistrySource, url: str, folder: Folder, wanted: Wanted) -> Imported:
    """Raises RegistryUnreadable. Nothing is written before everything is read."""
    notes = Notes()
    contents = source.contents(notes)
    if contents.compatibility is not None and contents.compatibility != "BACKWARD":
        notes.add(
            "/config", "lost", f"The registry's own compatibility, {contents.compatibility}.",
            "It holds for subjects that say nothing themselves; an estate has one mode for that, BACKWARD by default.",
            "Set it in interlock.toml, if it is more than NONE: [contracts] compatibility.",
        )  # fmt: skip
    subjects = SubjectImport(wanted.owner, _level, wanted.filling, notes, wanted.domain, wanted.renames)
    for subject in contents.subjects:
        subjects.add(subject)
    rows = [
        {"subject": one.subject, "version": one.version, "id": one.id, "type": one.type}
        | ({"file": event_file(found)} if (found := subjects.carried.get((one.subject, one.version))) else {})
        for subject in contents.subjects
        for one in subject.versions
    ]
    place = urlsplit(url).netloc + urlsplit(url).path
    memory = {"kind": "confluent", "compatibility": contents.compatibility, "versions": rows}
    texts = _texts(subjects.events())
    return _put(folder, f"registry-{slug(place)}", f"Import of the registry {place}", texts, memory, notes, wanted)


def _level(old: Any, new: Any) -> Any:
    return compare(old, new, kind="json-schema").level


def _texts(events: Iterable[ImportedEvent]) -> dict[str, tuple[str, str]]:
    return {event_file(event): (printed(event.schema), event.source) for event in events}


def _put(
    folder: Folder,
    name: str,
    title: str,
    texts: Mapping[str, tuple[str, str]],
    memory: Mapping[str, Any],
    notes: Notes,
    wanted: Wanted,
) -> Imported:
    report = markdown(title, [(path, source) for path, (_, source) in texts.items()], notes)
    plain = {path: text for path, (text, _) in texts.items()}
    made = put(folder, name, plain, memory, report, replace=wanted.replace, dry=wanted.dry)
    return Imported(made, tuple(notes), report, f"imports/{name}.md")


def _text(source: Path) -> DocumentText:
    try:
        return DocumentText(source.read_bytes())
    except DocumentUnreadable as error:
        raise SourceUnreadable(str(source), error.line, error.detail, "Correct the text at this line.") from None
