"""Writes the small estate that `interlock init` makes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from interlock.estate.contract_files import read_events
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.model_files import write_models
from interlock.estate.setting_files import read_owners

SUFFIX, DOT = ".template", "dot_"


def write_starter(target: Path, name: str) -> None:
    """The whole estate under `target`, which must not exist. All of it or nothing: a failure leaves no folder."""
    target.mkdir(parents=True)
    try:
        for path, text in _templates(files("interlock.estate") / "starter_files", Path()):
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text.replace("{{name}}", name), encoding="utf-8", newline="\n")
        folder, findings = Folder(target), Findings()
        write_models(folder, read_events(folder, read_owners(folder, findings), findings))
    except BaseException:
        shutil.rmtree(target)
        raise


def _templates(folder: Traversable, path: Path) -> Iterator[tuple[Path, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, path / entry.name)
        elif entry.name.endswith(SUFFIX):
            name = entry.name.removesuffix(SUFFIX)
            plain = "." + name.removeprefix(DOT) if name.startswith(DOT) else name
            yield path / plain, entry.read_text(encoding="utf-8")
