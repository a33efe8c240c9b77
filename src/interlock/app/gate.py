"""Puts a gate together: the base from git, the head from the working tree or from git, and one judgement."""

from __future__ import annotations

import tempfile
from pathlib import Path

from interlock.app.git_revision import RevisionUnreadable, common_ancestor, read_revision
from interlock.app.local_time import today
from interlock.contracts.diff import remembering
from interlock.estate.folder import MARKER, Folder
from interlock.estate.loader import examine
from interlock.estate.readers import Readers
from interlock.estate.static_check import read_static
from interlock.govern.gate import Gate
from interlock.govern.gate_report import GateReport

WORKING_TREE = "working tree"


def judge(estate: Path, base: str, head: str | None = None) -> GateReport:
    """Raises RevisionUnreadable, and EstateInvalid when the head has no estate. Code of the base is never run."""
    ancestor = common_ancestor(estate, base, head or "HEAD")
    before = read_revision(estate, ancestor)
    if MARKER not in before.files:
        before.files[MARKER] = b""  # the estate is new: everything in it is added
    if head is None:
        return _judged(estate, Folder(estate, before.files), before.commit, WORKING_TREE)
    after = read_revision(estate, head)
    if MARKER not in after.files:
        raise RevisionUnreadable(f"{head} has no estate here: no {MARKER}.", "Name the folder of the estate.")
    with tempfile.TemporaryDirectory(prefix="interlock-gate-") as place:
        root = Path(place) / estate.resolve().name
        _write(root, after.files)
        return _judged(root, Folder(estate, before.files), before.commit, after.commit)


def _judged(head: Path, before: Folder, base_name: str, head_name: str) -> GateReport:
    day = today()
    compare = remembering()
    base = read_static(before, compare, day)
    examination, folder = examine(head, today=day, compare=compare), Folder(head)
    readers = Readers(examination.estate.flows.values(), folder)
    after = read_static(folder, compare, day, readers, base.plans)
    broken = [finding for finding in examination.errors if finding.file.startswith("flows/")]
    return Gate(base, after, readers, compare, day, broken).report(base_name, head_name)


def _write(root: Path, files: dict[str, bytes]) -> None:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
