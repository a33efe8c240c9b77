"""An estate without contracts of its own, and the command line beside it."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from interlock.cli.main import main
from interlock.estate.starter import write_starter

FILES = Path(__file__).parent / "files"


class Done(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    def notes(self, kind: str) -> list[dict[str, str]]:
        return [note for note in self.document["notes"] if note["kind"] == kind]

    def what(self, kind: str) -> list[str]:
        return [note["what"] for note in self.notes(kind)]

    @property
    def standings(self) -> dict[str, str]:
        return {one["path"]: one["standing"] for one in self.document["files"]}


class Place:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.capsys = capsys
        write_starter(root, "shop")
        for part in ("contracts", "flows", "slos", "runbooks", "examples"):
            shutil.rmtree(root / part)

    def run(self, *words: str) -> Done:
        try:
            code = main(list(words))
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
        said = self.capsys.readouterr()
        return Done(code, said.out, said.err)

    def take(self, kind: str, source: str | Path, *words: str, code: int = 0) -> Done:
        """`interlock import`, as JSON."""
        done = self.run("import", kind, str(source), "--into", str(self.root), "--json", *words)
        assert (done.code, done.err) == (code, "")
        return done

    def refused(self, kind: str, source: str | Path, *words: str) -> str:
        before = self.files()
        done = self.run("import", kind, str(source), "--into", str(self.root), *words)
        assert (done.code, done.out) == (2, "")
        assert self.files() == before
        return done.err

    def check(self) -> dict[str, int]:
        """How many errors of each rule."""
        findings = json.loads(self.run("check", str(self.root), "--json").out)["findings"]
        return dict(Counter(one["code"] for one in findings if one["severity"] == "error"))

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }

    def contract(self, path: str) -> dict[str, Any]:
        return json.loads((self.root / "contracts" / path).read_text())

    def source(self, name: str, text: str) -> Path:
        """A file beside the estate."""
        file = self.root.parent / name
        file.write_text(text)
        return file


@pytest.fixture
def place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Place:
    return Place(tmp_path / "shop", capsys)
