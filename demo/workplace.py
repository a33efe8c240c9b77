"""The folder of one run: a copy of the estate with this run's addresses, the books, the logs."""

from __future__ import annotations

import base64
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

SYSTEMS = ("payments", "warehouse", "finance")
ENVIRONMENT = "demo"
IGNORED = shutil.ignore_patterns("__pycache__", ".interlock")


class Workplace:
    """Empties and makes `root`. Every run has its own ports and secrets, so that several can go side by side."""

    def __init__(self, root: Path) -> None:
        shutil.rmtree(root, ignore_errors=True)
        self.root = root.resolve()
        self.estate = self.root / "estate"
        self.books = self.root / "books"
        self.logs = self.root / "logs"
        self.stock = self.root / "stock.json"
        self.dead_letters = self.root / "dead-letters.json"
        self.books.mkdir(parents=True)
        self.logs.mkdir()
        self.secrets = {name: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode() for name in SYSTEMS}

    @property
    def environ(self) -> dict[str, str]:
        """What the estate's systems refer to as env:…"""
        return {f"COMMERCE_{name.upper()}_SECRET": secret for name, secret in self.secrets.items()}

    def copy_estate(self, source: Path, addresses: Mapping[str, str], more: str = "") -> None:
        """`more`: settings besides the addresses."""
        shutil.copytree(source, self.estate, ignore=IGNORED)
        tables = ["\n[server]\nport = 0 # a free one\n"]
        for system, address in addresses.items():
            tables.append(f'\n[environments.{ENVIRONMENT}.systems.{system}]\nbase_url = "{address}"\n')
        with (self.estate / "interlock.toml").open("a") as settings:
            settings.writelines([*tables, more])
