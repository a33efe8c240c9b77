"""Files and functions that outgrow a reader's patience fail."""

from __future__ import annotations

import ast

from .sources import PACKAGE, sources

FILE_LINES = 450
FUNCTION_LINES = 60
VAGUE = {"base", "common", "helper", "helpers", "manager", "misc", "util", "utils"}


def test_no_file_is_too_long():
    lengths = {path: len((PACKAGE / path).read_text().splitlines()) for path in sources()}
    assert {path: lines for path, lines in lengths.items() if lines > FILE_LINES} == {}


def test_no_function_is_too_long():
    too_long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES
    ]
    assert too_long == []


def test_every_module_says_what_it_is_and_none_is_named_vaguely():
    silent = [path for path, tree in sources().items() if tree.body and ast.get_docstring(tree) is None]
    vague = [path for path in sources() if set(path.removesuffix(".py").split("/")) & VAGUE]
    assert (silent, vague) == ([], [])
