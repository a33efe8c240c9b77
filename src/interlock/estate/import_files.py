"""Puts imported contracts into an estate, so that importing again changes nothing, and what was edited stays.

`imports/<source>.json` remembers each file as it was written. With it four things can be told apart: a file that is as
imported, one that somebody has edited, a source that has changed, and a file that was never ours.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from interlock.contracts.document_text import DocumentText, DocumentUnreadable
from interlock.contracts.importing.api_import import ImportedApi
from interlock.contracts.importing.event_import import ImportedEvent
from interlock.estate.contract_files import APIS, EVENTS
from interlock.estate.folder import Folder
from interlock.estate.model_files import write_domains

IMPORTS = "imports"
# written: new, or replaced as asked. unchanged: as it stands. edited: the source is as it was, the file is not.
# differs: the source has changed, the file has not. conflict: both have, or the file was never imported. left: of a
# contract that this import no longer makes; removed: the same, taken away as asked.
Standing = Literal["written", "unchanged", "edited", "differs", "conflict", "left", "removed"]
STEPS: dict[Standing, str] = {
    "differs": "The source, or an option, says something else than when it was imported. Take it over with --replace, "
    "if nobody reads this version yet; else give the source a new version.",
    "left": "This import makes no such contract any more. Remove the file if nobody reads it, or with --replace.",
    "conflict": "The file says something else, and it is not what was imported. Compare the two, and merge by hand.",
}


@dataclass(frozen=True, slots=True)
class ImportedFile:
    path: str
    standing: Standing
    sha256: str


@dataclass(frozen=True, slots=True)
class Import:
    """What came of one. `generated` are files of classes; `stale` those left alone, as their domain has mistakes."""

    files: tuple[ImportedFile, ...]
    generated: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return not any(one.standing in ("differs", "conflict") for one in self.files)


def event_file(event: ImportedEvent) -> str:
    return f"{EVENTS}/{event.domain}/{event.event}/{event.version}.json"


def api_file(api: ImportedApi) -> str:
    return f"{APIS}/{api.name}/{api.version}.json"


def printed(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def put(
    folder: Folder,
    source: str,
    texts: Mapping[str, str],
    memory: Mapping[str, Any],
    report: str,
    *,
    replace: bool,
    dry: bool,
) -> Import:
    """`source` names the import, `texts` are contracts by path, `memory` is what else is to be remembered of it."""
    place = f"{IMPORTS}/{source}.json"
    known = _remembered(folder, place)
    files = tuple(_standing(folder, path, text, known.get(path), replace) for path, text in texts.items())
    files += tuple(_left(folder, texts, known, replace))
    if dry:
        return Import(files)
    for one in files:
        if one.standing == "written":
            _write(folder.root / one.path, texts[one.path])
        elif one.standing == "removed":
            (folder.root / one.path).unlink()
            del known[one.path]
    now = {one.path: one.sha256 for one in files if one.standing in ("written", "unchanged", "edited")}
    _write(folder.root / place, printed({**memory, "files": {**known, **now}}))
    _write(folder.root / f"{IMPORTS}/{source}.md", report)
    domains = {one.path.split("/")[2] for one in files if one.path.startswith(EVENTS + "/")}
    generated, stale = write_domains(Folder(folder.root), domains)
    return Import(files, generated, stale)


def _standing(folder: Folder, path: str, text: str, remembered: str | None, replace: bool) -> ImportedFile:
    new, there = _digest(text.encode()), folder.files.get(path)
    if there is None:
        return ImportedFile(path, "written", new)
    if there == text.encode():
        return ImportedFile(path, "unchanged", new)
    if remembered == new:
        return ImportedFile(path, "edited", new)
    if remembered == _digest(there):
        return ImportedFile(path, "written" if replace else "differs", new)
    return ImportedFile(path, "conflict", new)


def _left(folder: Folder, texts: Mapping[str, str], known: Mapping[str, str], replace: bool) -> Iterator[ImportedFile]:
    """Files of contracts that are not made any more. Other versions of a contract that is made are its history."""
    made = {path.rpartition("/")[0] for path in texts}
    for path, digest in known.items():
        if path in folder.files and path.startswith("contracts/") and path.rpartition("/")[0] not in made:
            untouched = _digest(folder.files[path]) == digest
            yield ImportedFile(path, "removed" if replace and untouched else "left", digest)


def _remembered(folder: Folder, place: str) -> dict[str, str]:
    try:
        memory = DocumentText(folder.files.get(place, b"{}")).value
    except DocumentUnreadable:
        return {}  # then every file that is not as imported is a conflict: nothing gets lost
    files = memory.get("files") if isinstance(memory, dict) else None
    return {str(path): str(digest) for path, digest in files.items()} if isinstance(files, dict) else {}


def _write(file: Path, text: str) -> None:
    """Whole or not at all, also when the process dies in between."""
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_name(f".{file.name}.new")
    beside.write_text(text, encoding="utf-8", newline="\n")
    beside.replace(file)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
