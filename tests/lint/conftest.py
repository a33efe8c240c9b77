"""A folder that is no estate, an estate with one contract of each kind, and the command over both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.main import main
from interlock.contracts.lint.samples import SAMPLES
from interlock.estate.starter import write_starter


class Desk:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def put(self, name: str, content: Any) -> str:
        """A text as it is, any other value as JSON."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return name

    def read(self, name: str) -> str:
        return (self.root / name).read_text()

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        try:
            code = main(["lint", *words])
        except SystemExit as exit:  # argparse
            code = int(exit.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def document(self, *words: str) -> dict[str, Any]:
        """The JSON document. The exit code has to agree with it."""
        code, out, err = self.run(*words, "--format", "json")
        assert out, err
        document: dict[str, Any] = json.loads(out)
        expected = 2 if document["unreadable"] else 1 if document["errors"] else 0
        assert code == expected
        assert document["verdict"] == ("fail" if document["errors"] or document["unreadable"] else "pass")
        return document

    def found(self, *words: str) -> list[tuple[str, str]]:
        """Rule and pointer of each finding."""
        return [(one["rule"], one["path"]) for one in self.document(*words)["findings"]]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """The estate of `interlock init` with a sound API, a sound webhook and a sound AsyncAPI document beside it."""
    write_starter(desk.root / "shop", "shop")
    for place, text in SAMPLES.items():
        desk.put(f"shop/{place}", text)
    return desk
