"""Spectral, as npm installs it into .bench/spectral; never part of demo or test."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from bench.machine import WORKPLACE

VERSION = "6.16.3"
PLACE = WORKPLACE / "spectral"
COMMAND = PLACE / "node_modules" / ".bin" / "spectral"


def prepare() -> str | None:
    """Install it once; needs a package index the first time. None, or why it cannot run."""
    mark = PLACE / "installed"
    if mark.exists() and mark.read_text() == VERSION:
        return None
    npm = shutil.which("npm")
    if npm is None:
        return "npm is not installed"
    PLACE.mkdir(parents=True, exist_ok=True)
    package = f"@stoplight/spectral-cli@{VERSION}"
    command = [npm, "install", "--prefix", str(PLACE), "--no-audit", "--no-fund", "--silent", package]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode:
        return f"installing Spectral failed: {(ended.stderr or ended.stdout).strip()[-200:]}"
    mark.write_text(VERSION)
    return None


def ruleset(place: Path, rules: list[str]) -> Path:
    """A file that switches on these rules of spectral:oas and no others."""
    lines = ["extends: [['spectral:oas', 'off']]", "rules:", *(f"  {rule}: true" for rule in rules)]
    place.write_text("\n".join(lines) + "\n")
    return place
