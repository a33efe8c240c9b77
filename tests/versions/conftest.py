"""The estate of `interlock init`, further versions of its contract, and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from interlock.cli.main import main
from interlock.estate.contract_files import read_events
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.model_files import write_models
from interlock.estate.setting_files import read_owners
from interlock.estate.starter import write_starter

ORDER = "contracts/events/orders/order_placed"
TODAY = date(2026, 11, 24)
Patch = Callable[[dict[str, Any]], None]


class Shop:
    """An estate on disk, with what people do to it."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._capsys = capsys
        write_starter(root, "shop")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def append(self, path: str, text: str) -> None:
        file = self.root / path
        self.write(path, (file.read_text() if file.exists() else "") + text)

    def version(self, new: str, patch: Patch, *, of: str = "1.0.0") -> str:
        """A version of the order, patched from another one; returns its path."""
        document = json.loads((self.root / ORDER / f"{of}.json").read_text())
        patch(document)
        self.write(f"{ORDER}/{new}.json", json.dumps(document, indent=2))
        folder, findings = Folder(self.root), Findings()
        write_models(folder, read_events(folder, read_owners(folder, findings), findings))
        return f"{ORDER}/{new}.json"

    def run(self, *words: str) -> tuple[int, str, str]:
        code = main(list(words))
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def check(self) -> dict[str, list[dict[str, Any]]]:
        """The findings of `interlock check`, by code."""
        _, out, _ = self.run("check", str(self.root), "--json")
        found: dict[str, list[dict[str, Any]]] = {}
        for finding in json.loads(out)["findings"]:
            found.setdefault(finding["code"], []).append(finding)
        return found


@pytest.fixture
def shop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path / "shop", capsys)


def optional(name: str = "gift_note", class_: str = "internal") -> Patch:
    def patch(document: dict[str, Any]) -> None:
        document["properties"][name] = {"type": "string", "maxLength": 200, "x-classification": class_}

    return patch


def required(name: str = "channel") -> Patch:
    def patch(document: dict[str, Any]) -> None:
        optional(name)(document)
        document["required"].append(name)
        for example in document["examples"]:
            example[name] = "web"

    return patch


def plan(**changed: str) -> str:
    """A whole deprecation of orders.OrderPlaced 1.x; members may be replaced, or left out with ""."""
    rows = {
        "contract": '"orders.OrderPlaced"', "major": "1", "deprecated": "2026-12-01", "sunset": "2099-06-01",
        "successor": '"2.0.0"', "contact": '"team-orders"', "reason": '"The channel is needed."',
    } | changed  # fmt: skip
    return "\n[[deprecation]]\n" + "".join(f"{name} = {value}\n" for name, value in rows.items() if value)


def waiver(rule: str, place: str, *, expires: str = "2099-01-31", owner: str = "team-orders") -> str:
    return (
        f'\n[[waiver]]\nrule = "{rule}"\nplace = "{place}"\nreason = "Agreed in ORD-77."\n'
        f'owner = "{owner}"\nexpires = {expires}\n'
    )
