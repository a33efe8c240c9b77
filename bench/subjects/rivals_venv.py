"""The rivals' own environment: .bench/venv, from the `bench` group of pyproject.toml; never part of demo or test."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from bench.machine import ROOT, WORKPLACE

VENV = WORKPLACE / "venv"
PYTHON = VENV / "bin" / "python"


def prepare() -> str | None:
    """Install the group once; needs the network the first time. None, or why the rivals cannot run."""
    mark = VENV / "installed"
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["bench"]
    wanted = "\n".join([sys.version, *group])
    if mark.exists() and mark.read_text() == wanted:
        return None
    beside = Path(sys.executable).parent / "uv"
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        return "uv is not installed"
    print("installing the rivals into .bench/venv …", flush=True)
    commands = [
        [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, str(VENV)],
        [uv, "pip", "install", "--quiet", "--python", str(PYTHON), "--group", f"{ROOT / 'pyproject.toml'}:bench"],
    ]
    for command in commands:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            return f"installing them failed: {ended.stderr.strip().splitlines()[-1] if ended.stderr else command}"
    mark.write_text(wanted)
    return None


def redis_server() -> str | None:
    """The Debian package's server, or None."""
    return shutil.which("redis-server")
