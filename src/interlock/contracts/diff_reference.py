"""Makes docs/reference/diff-rules-….md, a page for each kind of contract, from the rules that its differ runs on.

python -m interlock.contracts.diff_reference docs/reference
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.comparison import Kind
from interlock.contracts.diff import package_of, rules

NOTE = "<!-- Made by `python -m interlock.contracts.diff_reference docs/reference`; a test compares. Do not edit. -->"
_NAMES: dict[Kind, str] = {"json-schema": "JSON Schema", "avro": "Avro", "openapi": "OpenAPI"}
_NO_MIRROR = "none: "
# What the example of a rule shows, by direction and effect.
_HURTS = {
    ("backward", "breaking"): "Breaks BACKWARD and FULL: the new contract refuses what the old one allows.",
    ("forward", "breaking"): "Breaks FORWARD and FULL: the old contract refuses what the new one allows.",
    ("request", "breaking"): "Breaks callers: what they send is refused. Every mode but NONE guards it.",
    (
        "response",
        "breaking",
    ): "Breaks callers: what they get is not what they were promised. Every mode but NONE guards it.",
    ("none", "safe"): "Hurts nobody; a minor version.",
    ("none", "annotation"): "Words alone; a patch version.",
}


def kinds() -> tuple[Kind, ...]:
    """Those that have a differ."""
    return tuple(kind for kind in get_args(Kind) if find_spec(package_of(kind)) is not None)


def pages() -> dict[str, str]:
    """File name and content of each page."""
    return {f"diff-rules-{kind}.md": "\n".join(_page(kind)) + "\n" for kind in kinds()}


def _page(kind: Kind) -> Iterator[str]:
    yield f"# Rules of `interlock diff`: {_NAMES[kind]}"
    yield from ("", NOTE, "")
    yield "Each change of a contract is told by one of these, with its place, both values and, where it hurts, what"
    yield "shows it. The line says what the example does. Whether a change hurts is decided for the two contracts at"
    yield "hand: the same rule may tell of no harm, or of harm to the other side."
    for rule in rules(kind):
        yield from ("", f"## {rule.id}", "", f"{rule.purpose}. {_hurts(rule)}", "", *_mirror(rule), "")
        yield from ("Before:", "", *_block(rule.old), "", "After:", "", *_block(rule.new))


def _hurts(rule: ChangeRule) -> str:
    told = _HURTS.get((rule.direction, rule.effect))
    return told or f"{rule.effect.capitalize()} ({rule.direction})."


def _mirror(rule: ChangeRule) -> Iterator[str]:
    reason = rule.mirror.removeprefix(_NO_MIRROR)
    if reason == rule.mirror:
        yield f"Mirror: [{rule.mirror}](#{rule.mirror})."
    else:
        yield "Mirror: itself." if reason == "its own mirror" else f"No mirror: {reason}."


def _block(text: str) -> list[str]:
    """On one line: the pages are long enough."""
    return ["```json", json.dumps(json.loads(text), ensure_ascii=False), "```"]


def main(folder: str) -> None:
    """Write the pages."""
    for name, content in pages().items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
