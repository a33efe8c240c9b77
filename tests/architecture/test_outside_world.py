"""Time, ids, randomness and I/O come through model.Clock, model.Ids and ports, and from nowhere else."""

from __future__ import annotations

import ast

import pytest

from .sources import room_of, sources

FREE = {"adapters", "app", "simulation", "testing"}
MODULES = {"random", "secrets", "socket", "time", "uuid"}
CALLS = {
    "date.today",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "os.getrandom",
    "os.urandom",
    "asyncio.open_connection",
    "asyncio.open_unix_connection",
}


def findings(path: str, tree: ast.Module) -> list[str]:
    """Every place that goes around the ports."""
    found = []
    for node in ast.walk(tree):
        for name in _reached(node):
            found.append(f"{path}:{getattr(node, 'lineno', 0)} {name}")
    return found


def _reached(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name.partition(".")[0] in MODULES]
    if isinstance(node, ast.ImportFrom) and not node.level:
        module = node.module or ""
        names = [f"{module}.{alias.name}" for alias in node.names]
        return [name for name in names if module.partition(".")[0] in MODULES or name in CALLS]
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        if called == "asyncio.sleep" and not (node.args and ast.unparse(node.args[0]) == "0"):
            return ["asyncio.sleep"]  # sleep(0) only yields
        return [name for name in CALLS if called == name or called.endswith(f".{name}")]
    return []


def test_only_adapters_app_and_testing_reach_outside():
    found = [place for path, tree in sources().items() if room_of(path) not in FREE for place in findings(path, tree)]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import random",
        "from time import monotonic",
        "import uuid as u",
        "import socket",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import datetime\ndatetime.utcnow()",
        "import os\nos.urandom(8)",
        "import asyncio\nasync def nap():\n    await asyncio.sleep(1)",
        "from os import urandom",
    ],
)
def test_the_check_sees_each_way_around(line):
    assert findings("x.py", ast.parse(line))


def test_the_check_lets_harmless_code_pass():
    harmless = "import asyncio\nfrom datetime import timedelta\nasync def turn():\n    await asyncio.sleep(0)\n"
    assert findings("x.py", ast.parse(harmless)) == []
