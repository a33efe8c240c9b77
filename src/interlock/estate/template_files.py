"""The files of a template, with names and texts filled in, written whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from interlock.estate.template import Template

SUFFIX, DOT = ".template", "dot_"
_PLACE = re.compile(r"\{\{(\w+)\}\}")


class FilesExist(Exception):
    """Nothing was written: these would have been overwritten."""

    def __init__(self, paths: list[str]) -> None:
        super().__init__(", ".join(paths))
        self.paths = paths


def rendered(template: Template, values: Mapping[str, str]) -> dict[str, str]:
    """Texts by path, relative to the estate. KeyError for a `{{place}}` without a value."""
    root = files("interlock.estate") / "templates" / template.kind / template.id
    found = sorted(_files(root, PurePosixPath()))
    return {_filled(path, values): _filled(text, values) for path, text in found}


def write_new(root: Path, texts: Mapping[str, str]) -> None:
    """Raises FilesExist; any failure takes away what was written before it."""
    standing = [path for path in texts if (root / path).exists()]
    if standing:
        raise FilesExist(standing)
    written: list[Path] = []
    try:
        for path, text in texts.items():
            file = root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("x", encoding="utf-8", newline="\n") as target:
                written.append(file)
                target.write(text)
    except BaseException:
        for file in written:
            file.unlink()
        raise


def _files(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _files(entry, path / entry.name)
        elif entry.name.endswith(SUFFIX):
            name = entry.name.removesuffix(SUFFIX)
            plain = "." + name.removeprefix(DOT) if name.startswith(DOT) else name
            yield (path / plain).as_posix(), entry.read_text(encoding="utf-8")


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda match: values[match[1]], text)
