"""Commands take the estate by position or as --estate, wherever the other arguments stand."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

import pytest

from interlock.cli.main import COMMANDS, MODULES

BEFORE = {
    "why": ["e-1"],
    "dlq list": ["list"],
    "dlq show": ["show", "f/0/1/0"],
    "dlq redrive": ["redrive", "f/0/1/0"],
    "dlq discard": ["discard", "f/0/1/0"],
    "outbox": ["status"],
}
OPTIONS = {
    "dlq discard": ["--reason", "wrong"],
    "gate": ["--base", "main"],
    "migrate": ["--to", "sqlite"],
    "can-i-deploy": ["--to", "live"],
    "drill": ["--simulate"],
}
ALIKE = ["check", "dev", "up", "status", "why", "dlq list", "dlq show", "dlq redrive", "dlq discard", "outbox", "gate",
         "drill", "doctor", "generate", "migrate", "can-i-deploy"]  # fmt: skip
BY_NAME_ONLY = ["changelog"]  # its contract stands by position


def parser_of(name: str) -> argparse.ArgumentParser:
    command = name.split()[0]
    parser = argparse.ArgumentParser()
    import_module(f"interlock.cli.{MODULES.get(command, command)}").configure(parser)
    return parser


@pytest.mark.parametrize("name", ALIKE)
def test_by_position_or_by_name(name: str) -> None:
    parser, before, options = parser_of(name), BEFORE.get(name, []), OPTIONS.get(name, [])
    assert parser.parse_args([*before, *options]).estate in (None, Path())
    for words in (["shop"], ["--estate", "shop"]):
        assert parser.parse_args([*before, *words, *options]).estate == Path("shop")
    assert parser.parse_args([*before, *options, "--estate", "shop"]).estate == Path("shop")
    if not before:
        assert parser.parse_args([*options, "shop"]).estate == Path("shop")


def test_no_command_with_an_estate_is_left_out() -> None:
    with_estate = set()
    for name in COMMANDS:
        parser = parser_of(name)
        if any(action.dest == "estate" for action in parser._actions):
            with_estate.add(name)
    assert with_estate - {name.split()[0] for name in ALIKE} - set(BY_NAME_ONLY) == {"new"} & with_estate
