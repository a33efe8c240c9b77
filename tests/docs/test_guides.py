"""The code of the guides is code: it runs against the sdk as it is, and its files are files of an estate."""

from __future__ import annotations

import builtins
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

import interlock
from interlock.contracts import deprecation
from interlock.contracts.waiver import Waivers
from interlock.estate.settings import Settings
from interlock.estate.source import SourceFile
from interlock.estate.system import SystemFile
from interlock.sdk.flow import Flow

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
# A file that the reader writes runs when the page is followed: see test_tutorial.py.
_BLOCK = re.compile(r"(?<!`:\n\n)^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(kind: str) -> list[Any]:
    found = [
        (guide.stem, number, text)
        for guide in sorted(GUIDES.glob("*.md"))
        for number, (what, text) in enumerate(_BLOCK.findall(guide.read_text(encoding="utf-8")))
        if what == kind
    ]
    return [pytest.param(text, id=f"{guide}-{number}") for guide, number, text in found]


def contract_class(name: str) -> type:
    return type(name, (), {"__contract__": f"orders.{name}"})


class Names(dict[str, Any]):
    """What a guide does not say again: the sdk, a flow named after its owner, generated classes."""

    def __missing__(self, name: str) -> Any:
        if hasattr(builtins, name):
            raise KeyError(name)
        if name in interlock.__all__:
            return getattr(interlock, name)
        return contract_class(name) if name[0].isupper() else Flow(name, owner="team-shop")


@pytest.mark.parametrize("text", blocks("python"))
def test_python_runs_against_the_sdk(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in re.findall(r"^from (estate[.\w]*)", text, flags=re.MULTILINE):
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            stub = ModuleType(".".join(parts[:end]))
            stub.__getattr__ = contract_class  # type: ignore[method-assign]
            monkeypatch.setitem(sys.modules, stub.__name__, stub)
    names = Names()
    exec(compile(text, "guide", "exec"), {}, names)
    assert any(isinstance(value, Flow) or callable(value) for value in names.values())


@pytest.mark.parametrize("text", blocks("toml"))
def test_toml_is_a_file_of_an_estate(text: str) -> None:
    if "[[waiver]]" in text:
        waivers = Waivers.parse(text)
        assert waivers.all
        assert waivers.mistakes == ()
    elif "[[deprecation]]" in text:
        plans, mistakes = deprecation.parse(text)
        assert plans
        assert mistakes == []
    elif "[stores]" in text:
        assert msgspec.convert(tomllib.loads(text), Settings).stores.kind == "postgres"
    elif "dialect =" in text:
        assert msgspec.convert(tomllib.loads(text), SourceFile).made("shop").uri == "/shop"
    else:
        file = msgspec.convert(tomllib.loads(text), SystemFile)
        assert file.system("payments", None).operations["charge"].retry.attempts == 5
