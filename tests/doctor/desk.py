"""An estate with a store, and what doctor says of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.app.doctor import all_checks
from interlock.cli.main import main
from interlock.estate.starter import write_starter

KNOWN = {row.id: row.promise for row in all_checks()}


class Desk:
    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys
        write_starter(root, "shop")

    def settings(self, text: str) -> None:
        file = self.root / "interlock.toml"
        file.write_text(file.read_text() + text)

    def told(self, *words: str) -> tuple[int, str]:
        """Exit code and what a person reads."""
        code = main(["doctor", str(self.root), *words])
        return code, self._capsys.readouterr().out

    def found(self, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
        """Exit code and findings by check. Each of them is a row of the table."""
        code, out = self.told("--json", *words)
        document = json.loads(out)
        assert {"broken": 1, "blind": 2, "kept": 0}[document["verdict"]] == code
        for one in document["findings"]:
            assert KNOWN[one["check"]] == one["promise"]
            assert (one["next_step"] == "") == (one["verdict"] == "ok"), one
            assert one["said"].endswith((".", "?")), one
        return code, {one["check"]: one for one in document["findings"]}
