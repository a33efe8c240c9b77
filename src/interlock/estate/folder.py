"""The files of an estate, read once, so that everything that follows speaks of the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from interlock.model.problems import EstateInvalid

MARKER = "interlock.toml"
SKIPPED = frozenset({"__pycache__", "node_modules"})


class Folder:
    """Paths are relative to the root, with forward slashes. Names that begin with a dot are not part of the estate."""

    def __init__(self, root: Path, files: Mapping[str, bytes] | None = None) -> None:
        """`files` are taken instead of what lies at `root`: an estate of another time, say."""
        self.root = root.resolve()
        if files is not None:
            self.files = {path: files[path] for path in sorted(files) if not _skipped(path)}
            return
        if not (self.root / MARKER).is_file():
            raise EstateInvalid(
                f"{root} is no estate: it has no {MARKER}.",
                next_step="Go to the estate's folder, or make one with: interlock init NAME",
            )
        self.files = {path: (self.root / path).read_bytes() for path in sorted(self._paths(self.root))}

    @property
    def hash(self) -> str:
        """SHA-256 over names and contents. Independent of the folder's own place and name."""
        digest = hashlib.sha256()
        for path, content in self.files.items():
            digest.update(f"{path}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()

    def under(self, prefix: str, suffix: str) -> list[str]:
        """Paths in a folder, at any depth, sorted."""
        return [path for path in self.files if path.startswith(prefix + "/") and path.endswith(suffix)]

    def _paths(self, folder: Path) -> list[str]:
        found: list[str] = []
        for entry in folder.iterdir():
            if entry.name.startswith(".") or entry.name in SKIPPED or entry.is_symlink():
                continue
            if entry.is_dir():
                found.extend(self._paths(entry))
            elif entry.is_file() and entry.suffix != ".pyc":
                found.append(entry.relative_to(self.root).as_posix())
        return found


def _skipped(path: str) -> bool:
    return path.endswith(".pyc") or any(part.startswith(".") or part in SKIPPED for part in path.split("/"))
