"""The floors of ARCHITECTURE.md, enforced by import-linter."""

from __future__ import annotations

import tomllib

from importlinter.cli import lint_imports

from .sources import ROOT

PROJECT = ROOT / "pyproject.toml"


def test_imports_keep_to_the_floors(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    # It configures logging for a process of its own, which would silence every logger for the tests that follow.
    monkeypatch.setattr("logging.config.dictConfig", lambda config: None)
    code = lint_imports(config_filename=str(PROJECT), no_cache=True)
    assert code == 0, capsys.readouterr().out


def test_every_room_has_its_floor():
    contracts = tomllib.loads(PROJECT.read_text())["tool"]["importlinter"]["contracts"]
    floors = " ".join(next(contract for contract in contracts if contract["type"] == "layers")["layers"])
    rooms = {folder.name for folder in (ROOT / "src" / "interlock").iterdir() if (folder / "__init__.py").exists()}
    assert {room for room in rooms if f"interlock.{room}" not in floors} == set()


def test_every_contract_gives_its_reason():
    lines = PROJECT.read_text().splitlines()
    heads = [number for number, line in enumerate(lines) if line == "[[tool.importlinter.contracts]]"]
    assert heads
    assert [lines[number - 1] for number in heads if not lines[number - 1].startswith("# ")] == []
