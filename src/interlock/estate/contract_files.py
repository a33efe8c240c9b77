"""Reads contracts/events/, contracts/apis/ and contracts/webhooks/: strict JSON, every rule, then compiled."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from interlock.contracts.api_contract import ApiOperation, operations, shared_schemas
from interlock.contracts.api_lint import lint_api
from interlock.contracts.document_schema import SchemaInvalid
from interlock.contracts.event_contract import EXTENSION, EventContract
from interlock.contracts.event_lint import lint_event
from interlock.contracts.lint.linter import objections
from interlock.contracts.positions import JsonLines
from interlock.contracts.schema_lint import Objection
from interlock.contracts.semver import SemanticVersion
from interlock.contracts.strict_json import parse
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.system import Owner
from interlock.model.problems import CallerProblem, EstateInvalid

EVENTS, APIS, WEBHOOKS = "contracts/events", "contracts/apis", "contracts/webhooks"
_DEPTH = 128
_VERSION = r"(?P<version>[1-9]\d*\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))\.json"
_EVENT_PATH = re.compile(rf"{EVENTS}/(?P<domain>[a-z][a-z0-9_]*)/(?P<event>[a-z][a-z0-9]*(?:_[a-z0-9]+)*)/{_VERSION}")
_WEBHOOK_PATH = re.compile(rf"{WEBHOOKS}/(?P<group>[a-z][a-z0-9_-]*)/(?P<name>[a-z][a-z0-9_]*)/{_VERSION}")
_API_PATH = re.compile(rf"{APIS}/(?P<api>[a-z][a-z0-9_-]*)/{_VERSION}")


def read_events(folder: Folder, owners: Mapping[str, Owner], findings: Findings) -> list[EventContract]:
    """The sound ones, oldest version first. The others are reported."""
    contracts: list[EventContract] = []
    for path in folder.under(EVENTS, ""):
        match = _EVENT_PATH.fullmatch(path)
        if match is None:
            findings.add("FILE_MISPLACED", path, 1, "The path names no domain, event and version of one event.")
            continue
        file = _JsonFile(path, folder.files[path], findings)
        if file.document is None:
            continue
        name = "".join(word.capitalize() for word in match["event"].split("_"))
        contract = _event(file, match["domain"], name, match["version"], owners)
        if contract is not None:
            contracts.append(contract)
    return sorted(contracts, key=lambda one: (one.type, SemanticVersion.parse(one.version)))


def sound_events(root: Path) -> list[EventContract]:
    """The events of an estate, oldest version first, for who needs nothing else of it. EstateInvalid unless sound."""
    folder, findings = Folder(root), Findings()
    owners: dict[str, Owner] = {}
    contracts = read_events(folder, owners, findings)
    errors = [one for one in findings.errors if one.code != "OWNER_UNKNOWN"]
    if errors:
        raise EstateInvalid(f"Contracts of {root} have mistakes, the first in {errors[0].file}: {errors[0].detail}")
    return contracts


def read_apis(folder: Folder, owners: Mapping[str, Owner], findings: Findings) -> list[tuple[str, ApiOperation]]:
    """Operations of the newest version of each major of each API, each with its file: majors stand side by side."""
    newest: dict[str, tuple[SemanticVersion, list[tuple[str, ApiOperation]]]] = {}
    for path in folder.under(APIS, ""):
        match = _API_PATH.fullmatch(path)
        if match is None:
            findings.add("FILE_MISPLACED", path, 1, "The path names no API and version.")
            continue
        file = _JsonFile(path, folder.files[path], findings)
        if file.document is None:
            continue
        version = SemanticVersion.parse(match["version"])
        name = match["api"] if version.major == 1 else f"{match['api']}.v{version.major}"
        found = [(path, one) for one in _operations(file, name, match["version"], owners)]
        if name not in newest or newest[name][0] < version:
            newest[name] = (version, found)
    served = [entry for _, found in newest.values() for entry in found]
    _check_paths(served, findings)
    return served


def read_webhooks(folder: Folder, owners: Mapping[str, Owner], findings: Findings) -> None:
    """Lints the schemas of what others send; nothing runs on them yet."""
    for path in folder.under(WEBHOOKS, ""):
        match = _WEBHOOK_PATH.fullmatch(path)
        if match is None:
            findings.add("FILE_MISPLACED", path, 1, "The path names no sender, webhook and version.")
            continue
        file = _JsonFile(path, folder.files[path], findings)
        if file.document is not None:
            for objection in objections(file.document, "".join(map(str.capitalize, match["name"].split("_")))):
                file.add(objection)
            file.check_owner(owners)


def _check_paths(served: list[tuple[str, ApiOperation]], findings: Findings) -> None:
    """Templates that differ in the names of their variables only are one path (OpenAPI 3.1, section 4.8.8.2)."""
    taken: dict[tuple[str, str], ApiOperation] = {}
    for path, operation in served:
        other = taken.setdefault((operation.method, re.sub(r"\{[^}]*\}", "{}", operation.path)), operation)
        if other is not operation:
            detail = f"{operation.name} and {other.name} are both served at {operation.method} {operation.path}."
            findings.add("API_PATHS_COLLIDE", path, 1, detail)


class _JsonFile:
    """A document with the lines of its values; None when it is no JSON object, which is reported."""

    def __init__(self, path: str, content: bytes, findings: Findings) -> None:
        self.path = path
        self.document: dict[str, Any] | None = None
        self._findings = findings
        try:
            document = parse(content, _DEPTH)
        except CallerProblem as problem:
            findings.add("JSON_INVALID", path, _line_of_error(content), problem.detail)
            return
        if not isinstance(document, dict):
            findings.add("JSON_INVALID", path, 1, "The document is no object.")
            return
        self.document = document
        self._content = content

    @cached_property
    def _lines(self) -> JsonLines:
        """Made when a line is asked for: most files have no mistake."""
        return JsonLines(self._content.decode())

    def add(self, objection: Objection) -> None:
        line = self._lines.line(objection.pointer)
        self._findings.add(objection.code, self.path, line, objection.detail, pointer=objection.pointer)

    def check_owner(self, owners: Mapping[str, Owner]) -> None:
        extension = (self.document or {}).get(EXTENSION)
        owner = extension.get("owner") if isinstance(extension, dict) else None
        if isinstance(owner, str) and owner not in owners:
            self.add(Objection("OWNER_UNKNOWN", f"/{EXTENSION}/owner", f"{owner} is not in owners.toml."))


def _event(file: _JsonFile, domain: str, name: str, version: str, owners: Mapping[str, Owner]) -> EventContract | None:
    assert file.document is not None
    for objection in lint_event(name, version, file.document):
        file.add(objection)
    file.check_owner(owners)
    try:
        return EventContract(domain, name, version, file.document)
    except (SchemaInvalid, ValueError, LookupError, TypeError, AttributeError):
        return None  # the lint has said why


def _operations(file: _JsonFile, api: str, version: str, owners: Mapping[str, Owner]) -> list[ApiOperation]:
    assert file.document is not None
    places = []
    for objection in lint_api(api, version, file.document):
        file.add(objection)
    file.check_owner(owners)
    shared = None
    for path, method in _sound_operations(file.document):
        try:
            shared = shared or shared_schemas(file.document)
            places.append(ApiOperation(api, file.document, path, method, shared))
        except SchemaInvalid as error:
            file.add(Objection("SCHEMA_INVALID", error.pointer, f"{error.detail}."))
        except (KeyError, TypeError, AttributeError):
            continue  # the lint has said why
    return places


def _sound_operations(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    try:
        return list(operations(document))
    except (TypeError, AttributeError):
        return []


def _line_of_error(content: bytes) -> int:
    try:
        json.loads(content, object_pairs_hook=_first_duplicate)
    except json.JSONDecodeError as error:
        return error.lineno
    except _Duplicate as duplicate:
        return _line_of_second(content, duplicate.name)
    except (ValueError, RecursionError):
        return 1
    return 1


class _Duplicate(Exception):
    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _first_duplicate(members: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in members:
        if name in seen:
            raise _Duplicate(name)
        seen.add(name)


def _line_of_second(content: bytes, name: str) -> int:
    """The second place where the name is written; the nearest that can be said without the parser's positions."""
    written = [match.start() for match in re.finditer(re.escape(json.dumps(name)) + r"\s*:", content.decode())]
    return content.decode().count("\n", 0, written[1]) + 1 if len(written) > 1 else 1
