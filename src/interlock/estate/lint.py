"""Lints what the command line names: estates, folders, single contracts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from interlock.contracts.diff import compare
from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.finding import Finding, Severity
from interlock.contracts.lint.linter import Linter, NoContract
from interlock.contracts.lint.rules import LINT_RULES
from interlock.contracts.rule import BY_ID
from interlock.contracts.waiver import Waivers
from interlock.estate.folder import MARKER, SKIPPED, Folder
from interlock.estate.secrets import secrets_in
from interlock.estate.static_check import read_static
from interlock.estate.waiver_file import Waived

_SUFFIXES = frozenset({".json", ".yaml", ".yml"})
_MARKS = (b"openapi", b"asyncapi", b"$schema", b"x-interlock")
_LOOKED_AT_BYTES = 65_536


class Unreadable(Exception):
    """An input that cannot be linted: where, why, and the next step."""

    def __init__(self, place: str, detail: str, step: str) -> None:
        super().__init__(detail)
        self.place = place
        self.detail = detail
        self.step = step

    def __str__(self) -> str:
        return f"{self.place}  {self.detail}\n   {self.step}"


@dataclass
class Linted:
    """What was found. Files of an estate are named with the path of the estate before them."""

    findings: list[Finding] = field(default_factory=list)
    waived: list[Waived] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


class LintRun:
    """One run over some paths.

    wanted      ids of the rules that may speak; None: all
    gather      see Linter.flaws
    waivers     for single contracts; an estate has its own. `waivers_at` is the folder from which they name files.
    """

    def __init__(
        self, wanted: frozenset[str] | None, waivers: Waivers, waivers_at: Path, today: date, *, gather: bool = True
    ) -> None:
        self._wanted = wanted
        self._waivers = waivers
        self._waivers_at = waivers_at
        self._today = today
        self._gather = gather
        self._linter = Linter(rule for rule in LINT_RULES if wanted is None or rule.id in wanted)
        self._linted = Linted()

    def run(self, paths: Iterable[Path]) -> Linted:
        for path in paths:
            try:
                self._path(path)
            except Unreadable as problem:
                self._linted.unreadable.append(problem)
        self._linted.findings.sort()
        return self._linted

    def _path(self, path: Path) -> None:
        if path.is_dir():
            if (path / MARKER).is_file():
                self._estate(path, None)
            else:
                self._folder(path)
            return
        root = _estate_of(path)
        if root is not None:
            self._estate(root, path.resolve().relative_to(root.resolve()).as_posix())
        else:
            self._file(path)

    def _estate(self, root: Path, only: str | None) -> None:
        """All that can be said of an estate without running its code; of one file of it when `only` is given."""
        static = read_static(Folder(root), compare, self._today)
        files = [only] if only else [file for file in static.files if file.startswith("contracts/")]
        self._linted.files += [_shown(root, file) for file in files if file.endswith(".json")]
        for finding in static.findings:
            if only in (None, finding.file) and self._speaks(finding.code):
                self._linted.findings.append(_renamed(finding, _shown(root, finding.file)))
        for one in static.waived:
            if only in (None, one.finding.file) and self._speaks(one.finding.code):
                self._linted.waived.append(Waived(_renamed(one.finding, _shown(root, one.finding.file)), one.waiver))

    def _folder(self, path: Path) -> None:
        found = False
        for file in _files(path):
            content = file.read_bytes()
            if any(mark in content[:_LOOKED_AT_BYTES] for mark in _MARKS):
                found = True
                self._content(file, content)
        if not found:
            step = "Name a contract, an estate, or a folder that holds some."
            raise Unreadable(path.as_posix(), "There is no contract here.", step)

    def _file(self, path: Path) -> None:
        try:
            content = path.read_bytes()
        except OSError as error:
            step = "Give a file that exists and that this user may read."
            raise Unreadable(path.as_posix(), f"It cannot be read: {error.strerror or error}.", step) from None
        self._content(path, content)

    def _content(self, path: Path, content: bytes) -> None:
        name = path.as_posix()
        try:
            text = DocumentText(content)
            flaws = self._linter.flaws(text.value, gather=self._gather)
        except DocumentUnreadable as problem:
            raise Unreadable(f"{name}:{problem.line}", problem.detail, "Correct the text at this line.") from None
        except NoContract as problem:
            step = "OpenAPI 3.0 and 3.1, AsyncAPI 2 and 3 and JSON Schema are linted."
            raise Unreadable(f"{name}:1", str(problem), step) from None
        self._linted.files.append(name)
        for flaw in flaws:
            self._add(name, text.line(flaw.pointer), flaw.rule.id, flaw.severity, flaw.detail, flaw.pointer)
        if self._speaks("SECRET_LITERAL"):
            for line, shape in secrets_in(content):
                self._add(name, line, "SECRET_LITERAL", "error", f"This line holds {shape}.", "")

    def _add(self, file: str, line: int, code: str, severity: Severity, detail: str, place: str) -> None:
        rule = BY_ID[code]
        finding = Finding(
            file=file, line=line, code=code, severity=severity, detail=detail, next_step=rule.fix, pointer=place
        )
        beside = Path(os.path.relpath(file, self._waivers_at)).as_posix()
        waiver = self._waivers.covering(code, beside, place, self._today) if rule.waivable else None
        if waiver is None:
            self._linted.findings.append(finding)
        else:
            self._linted.waived.append(Waived(finding, waiver))

    def _speaks(self, code: str) -> bool:
        return self._wanted is None or code in self._wanted


def _estate_of(path: Path) -> Path | None:
    """The estate that a file lies in."""
    here = path.resolve().parent
    for folder in (here, *here.parents):
        if (folder / MARKER).is_file():
            return Path(os.path.relpath(folder))
    return None


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name in SKIPPED or entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _files(entry)
        elif entry.suffix in _SUFFIXES and entry.is_file():
            yield entry


def _shown(root: Path, file: str) -> str:
    return (root / file).as_posix()


def _renamed(finding: Finding, file: str) -> Finding:
    return Finding(
        file=file, line=finding.line, code=finding.code, severity=finding.severity, detail=finding.detail,
        next_step=finding.next_step, pointer=finding.pointer,
    )  # fmt: skip
