"""The estate of `interlock init`, and changes to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interlock.estate.starter import write_starter


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    write_starter(tmp_path / "shop", "shop")
    return tmp_path / "shop"


def change(root: Path, place: str, example: str) -> None:
    """As contracts.check_rule.Rule describes: '-' removes, '=' replaces, JSON is merged, other text is appended."""
    file = root / place
    if example == "-":
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    before = file.read_text() if file.exists() else ""
    if example.startswith("="):
        text = example[1:]
    elif file.suffix == ".json":
        before = before or (file.parent / "1.0.0.json").read_text()
        text = json.dumps(merged(json.loads(before), json.loads(example)), indent=2)
    else:
        text = before + example
    file.write_text(text)


def merged(target: Any, patch: Any) -> Any:
    """RFC 7396 section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
