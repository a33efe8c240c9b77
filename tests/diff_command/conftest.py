"""Two files in a folder, and the command over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.main import main


class Desk:
    """A folder that is no estate, and what a user does there."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys

    def put(self, name: str, content: Any) -> str:
        """A text as it is, any other value as JSON."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))
        return name

    def run(self, *words: str) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        try:
            code = main(["diff", *words])
        except SystemExit as exit:  # argparse
            code = int(exit.code or 0)
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def judged(self, old: Any, new: Any, *words: str) -> dict[str, Any]:
        """The JSON document. The exit code has to agree with it."""
        code, out, err = self.run(self.put("old.json", old), self.put("new.json", new), "--format", "json", *words)
        assert out, err
        answer: dict[str, Any] = json.loads(out)
        assert code == (0 if answer["verdict"] == "compatible" else 1)
        return answer

    def refused(self, *words: str) -> str:
        """What stderr says of input that cannot be read."""
        code, out, err = self.run(*words)
        assert code == 2, out + err
        assert not out
        return err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path, capsys)


def order(**properties: Any) -> dict[str, Any]:
    """A closed object; every property that is named here is required."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }
