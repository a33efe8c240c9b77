"""The estate of `interlock init`, and the command line in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.main import main
from interlock.estate.starter import write_starter


class Shop:
    """An estate on disk; every command is run in it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys
        write_starter(root, "shop")

    def run(self, *words: str) -> tuple[int, str, str]:
        try:
            code = main(list(words))
        except SystemExit as end:  # argparse
            code = int(end.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def new(self, *words: str) -> dict[str, Any]:
        code, out, err = self.run("new", *words, "--json", "--estate", str(self.root))
        assert (code, err) == (0, "")
        return json.loads(out)

    def refused(self, *words: str) -> tuple[int, str]:
        """Exit code and what was said; nothing on standard output, nothing written."""
        before = self.files()
        code, out, err = self.run("new", *words, "--estate", str(self.root))
        assert out == ""
        assert self.files() == before
        return code, err

    def check(self) -> list[tuple[str, str]]:
        """Severity and rule of each finding; a sound estate has exit code 0."""
        code, out, _ = self.run("check", str(self.root), "--json")
        found = [(one["severity"], one["code"]) for one in json.loads(out)["findings"]]
        assert code == any(severity == "error" for severity, _ in found)
        return found

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.root).as_posix(): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path / "shop", capsys)


@pytest.fixture
def shops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Shop]:
    return lambda name: Shop(tmp_path / name, capsys)
