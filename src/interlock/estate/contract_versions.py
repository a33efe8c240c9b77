"""All versions of all contracts of an estate, by the name that people use for a contract."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from interlock.contracts.comparison import Kind as DocumentKind
from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.event_contract import EXTENSION, event_type
from interlock.contracts.semver import SemanticVersion

DEPTH = 128
_MAJOR_PREFIX = re.compile(r"/v\d+(?=/|\Z)")
Kind = Literal["event", "api", "webhook"]
_VERSION = r"(?P<version>[1-9]\d*\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*))\.json"
_PLACES: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("event", re.compile(rf"contracts/events/(?P<group>[a-z][a-z0-9_]*)/(?P<name>[a-z][a-z0-9_]*)/{_VERSION}")),
    ("api", re.compile(rf"contracts/apis/(?P<group>[a-z][a-z0-9_-]*)(?P<name>)/{_VERSION}")),
    ("webhook", re.compile(rf"contracts/webhooks/(?P<group>[a-z][a-z0-9_-]*)/(?P<name>[a-z][a-z0-9_]*)/{_VERSION}")),
)


@dataclass(frozen=True)
class ContractVersion:
    """One file. `name` is orders.OrderPlaced, apis/shop or webhooks/github/push; `content` its bytes."""

    kind: Kind
    name: str
    version: SemanticVersion
    file: str
    content: bytes

    @cached_property
    def text(self) -> DocumentText | None:
        """None when it is no JSON object; the reader of the contracts reports that."""
        try:
            text = DocumentText(self.content, max_depth=DEPTH)
        except DocumentUnreadable:
            return None
        return text if isinstance(text.value, dict) else None

    @property
    def document(self) -> Any:
        return self.text.value if self.text else None

    @property
    def document_kind(self) -> DocumentKind:
        return "openapi" if self.kind == "api" else "json-schema"

    @property
    def folder(self) -> str:
        return self.file.rpartition("/")[0]

    @property
    def mode(self) -> Any:
        """What `x-interlock.compatibility` says, or None."""
        extension = self.document.get(EXTENSION) if self.text else None
        return extension.get("compatibility") if isinstance(extension, dict) else None

    @property
    def event_type(self) -> str:
        """The CloudEvents type of an event's version."""
        domain, _, short = self.name.partition(".")
        return event_type(domain, short, self.version.major)

    @property
    def subject(self) -> str:
        """What flows name: the CloudEvents type of an event, the API with its major (shop, shop.v2)."""
        if self.kind == "event":
            return self.event_type
        name = self.name.partition("/")[2]
        return name if self.version.major == 1 else f"{name}.v{self.version.major}"

    def beside(self, new: ContractVersion) -> Any:
        """Its document, for a comparison with a version that came later.

        Majors of an API have paths of their own (/orders, /v2/orders), and stand side by side: a path that is there
        again under the other major has not gone.
        """
        paths = self.document.get("paths")
        if self.kind != "api" or self.version.major == new.version.major or not isinstance(paths, dict):
            return self.document
        known = new.document.get("paths")
        moved = {own_path(path, new.version.major): path for path in paths}
        if not isinstance(known, dict) or not any(path in known for path in moved):
            return self.document
        return {**self.document, "paths": {path if path in known else old: paths[old] for path, old in moved.items()}}

    def line(self, pointer: str) -> int:
        return self.text.line(pointer) if self.text else 1


Versions = Mapping[str, list[ContractVersion]]


def contract_versions(files: Mapping[str, bytes]) -> dict[str, list[ContractVersion]]:
    """By contract name, oldest version first. Files elsewhere are left out."""
    found: dict[str, list[ContractVersion]] = {}
    for file, content in files.items():
        if not file.startswith("contracts/"):
            continue
        for kind, pattern in _PLACES:
            match = pattern.fullmatch(file)
            if match is not None:
                name = _name(kind, match["group"], match["name"])
                version = SemanticVersion.parse(match["version"])
                found.setdefault(name, []).append(ContractVersion(kind, name, version, file, content))
    for versions in found.values():
        versions.sort(key=lambda one: one.version)
    return dict(sorted(found.items()))


def own_path(path: str, major: int) -> str:
    """/orders and /v1/orders become /v2/orders: both majors are served, each at its own paths."""
    bare = _MAJOR_PREFIX.sub("", path, count=1) if _MAJOR_PREFIX.match(path) else path
    return f"/v{major}{bare}"


def majors(versions: list[ContractVersion]) -> dict[int, list[ContractVersion]]:
    """The versions of one contract by major, oldest first."""
    found: dict[int, list[ContractVersion]] = {}
    for one in versions:
        found.setdefault(one.version.major, []).append(one)
    return found


def _name(kind: Kind, group: str, name: str) -> str:
    if kind == "event":
        return f"{group}.{''.join(word.capitalize() for word in name.split('_'))}"
    return f"apis/{group}" if kind == "api" else f"webhooks/{group}/{name}"
