"""Contract documents of one file or of an estate's folder, for commands that need no whole estate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_kind import kinds_of
from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.event_contract import event_type
from interlock.contracts.semver import SemanticVersion
from interlock.estate.folder import MARKER, Folder

Kind = Literal["api", "event", "webhook"]

_PLACES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("api", re.compile(r"contracts/apis/(?P<group>[^/]+)/(?P<version>\d+\.\d+\.\d+)\.json")),
    ("event", re.compile(r"contracts/events/(?P<group>[^/]+)/(?P<name>[^/]+)/(?P<version>\d+\.\d+\.\d+)\.json")),
    ("webhook", re.compile(r"contracts/webhooks/(?P<group>[^/]+)/(?P<name>[^/]+)/(?P<version>\d+\.\d+\.\d+)\.json")),
)


class DocumentRefused(Exception):
    """A file that cannot be used, where and why."""

    def __init__(self, file: str, line: int, detail: str) -> None:
        super().__init__(f"{file}:{line}  {detail}")


@dataclass(frozen=True, slots=True)
class ContractDocument:
    """`name` is the API's name or the event's type; `file` is relative to the estate."""

    file: str
    kind: Kind
    name: str
    version: str
    text: DocumentText

    @property
    def value(self) -> Any:
        return self.text.value

    def refused(self, pointer: str, detail: str) -> DocumentRefused:
        return DocumentRefused(self.file, self.text.line(pointer), detail)


def contract_documents(path: Path) -> list[ContractDocument]:
    """All contracts of an estate, oldest version first, or the one of a file. Raises DocumentRefused, OSError."""
    if path.is_dir():
        if not (path / MARKER).is_file():
            raise DocumentRefused(str(path), 1, f"This folder is no estate: it has no {MARKER}.")
        found = sorted(_of_estate(path), key=lambda one: (one.kind, one.name, SemanticVersion.parse(one.version)))
        if not found:
            raise DocumentRefused(str(path), 1, "The estate has no contracts yet. Make one: interlock new event")
        return found
    return [_of_file(path)]


def newest(documents: list[ContractDocument]) -> list[ContractDocument]:
    """One for each name: its newest version."""
    return list({(one.kind, one.name): one for one in documents}.values())


def _of_estate(path: Path) -> Iterator[ContractDocument]:
    for file, content in Folder(path).files.items():
        for kind, pattern in _PLACES:
            match = pattern.fullmatch(file)
            if match is not None:
                version = match["version"]
                name = match["group"] if kind == "api" else _type(match["group"], match["name"], version)
                yield ContractDocument(file, kind, name, version, _text(file, content))


def _of_file(path: Path) -> ContractDocument:
    text = _text(str(path), path.read_bytes())
    if not isinstance(text.value, dict):
        raise DocumentRefused(str(path), 1, "The document is no object, so no contract.")
    if "openapi" in text.value or "swagger" in text.value:
        info = text.value.get("info")
        version = str(info.get("version", "")) if isinstance(info, dict) else ""
        return ContractDocument(str(path), "api", _plain(path.stem), version, text)
    if _is_avro(text.value):
        raise DocumentRefused(str(path), 1, "This is an Avro schema; OpenAPI or JSON Schema is wanted here.")
    if not {"$schema", "type", "properties", "$ref", "$defs", "allOf", "oneOf", "anyOf"} & text.value.keys():
        raise DocumentRefused(str(path), 1, "The document is neither OpenAPI nor JSON Schema.")
    title = text.value.get("title")
    version = path.stem if re.fullmatch(r"\d+\.\d+\.\d+", path.stem) else "1.0.0"
    name = title if isinstance(title, str) and title else _plain(path.stem)
    return ContractDocument(str(path), "event", "".join(name.split()), version, text)


def _is_avro(document: dict[str, Any]) -> bool:
    try:
        return "json-schema" not in kinds_of(document)
    except ContractInvalid:
        return False  # what it is instead, the caller says


def _text(file: str, content: bytes) -> DocumentText:
    try:
        return DocumentText(content)
    except DocumentUnreadable as error:
        raise DocumentRefused(file, error.line, error.detail) from None


def _type(group: str, event: str, version: str) -> str:
    name = "".join(word.capitalize() for word in event.split("_"))
    return event_type(group, name, SemanticVersion.parse(version).major)


def _plain(stem: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "_", stem.lower()).strip("_") or "api"
