"""Makes docs/reference/settings.md, rules.md and lint-rules.md from the tables that the code runs on.

python -m interlock.estate.reference docs/reference
"""

from __future__ import annotations

import json
import sys
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from interlock.contracts.lint.rule import LintRule
from interlock.contracts.lint.rules import LINT_RULES
from interlock.contracts.rule import CHECK_RULES, Rule
from interlock.estate.settings import Settings

LONGEST = 2_000
NOTE = "<!-- Made by `python -m interlock.estate.reference docs/reference`; a test compares. Do not edit. -->"


class Setting(NamedTuple):
    """One leaf of interlock.toml. `default` is as TOML writes it, or "" when there is none."""

    id: str
    kind: str
    default: str
    doc: str


def settings(model: type[msgspec.Struct] = Settings, path: str = "") -> Iterator[Setting]:
    """Every setting, in the order of the file. Names that the author chooses stand in angle brackets."""
    for field in msgspec.structs.fields(model):
        here = f"{path}{field.encode_name}"
        kind = field.type
        if typing.get_origin(kind) in (dict, Mapping):
            yield from settings(typing.get_args(kind)[1], f"{here}.<{here.rpartition('.')[2].removesuffix('s')}>.")
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            yield from settings(kind, f"{here}.")
        else:
            default = "" if field.default is msgspec.NODEFAULT else json.dumps(field.default)
            yield Setting(here, _kind(kind), default, _doc(kind))


def pages() -> dict[str, str]:
    """File name and content of each page."""
    return {"settings.md": _settings_page(), "rules.md": _rules_page(), "lint-rules.md": _lint_page()}


def _doc(kind: Any) -> str:
    notes = [note for note in getattr(kind, "__metadata__", ()) if isinstance(note, msgspec.Meta)]
    return next((note.description for note in notes if note.description), "")


def _kind(kind: Any) -> str:
    """Type and bounds, in words."""
    notes = [note for note in getattr(kind, "__metadata__", ()) if isinstance(note, msgspec.Meta)]
    bare = typing.get_args(kind)[0] if notes else kind
    if typing.get_origin(bare) is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(bare))
    words = {int: "whole number", float: "number", str: "text", bool: "true or false"}[bare]
    bounds = [
        f"{text} {value}"
        for note in notes
        for text, value in (("from", note.ge), ("above", note.gt), ("to", note.le), ("below", note.lt))
        if value is not None
    ]
    return " ".join([words, *bounds])


def _settings_page() -> str:
    lines = [
        "# Settings",
        "",
        NOTE,
        "",
        "All settings of an estate's `interlock.toml`. Each is optional unless it says ",
    ]
    lines[-1] += "otherwise. Secrets are never written here: refer to an environment variable as `env:NAME`."
    group = ""
    for setting in settings():
        head = setting.id.rpartition(".")[0]
        if head != group:
            group = head
            lines += ["", f"## [{group}]", "", "| setting | type | default | meaning |", "|---|---|---|---|"]
        default = f"`{setting.default}`" if setting.default not in ("", '""') else "none"
        lines.append(f"| `{setting.id.rpartition('.')[2]}` | {setting.kind} | {default} | {setting.doc} |")
    return "\n".join(lines) + "\n"


def _rules_page() -> str:
    lines = [
        "# Rules",
        "",
        NOTE,
        "",
        "What `interlock check` holds an estate to. Errors make it exit 1, warnings do not. The errors of the",
        "[rules of `interlock lint`](lint-rules.md) are among them.",
    ]
    for rule in CHECK_RULES:
        lines += _rule(rule)
    return "\n".join(lines) + "\n"


def _rule(rule: Rule) -> list[str]:
    lines = ["", f"## {rule.id}", "", f"{rule.severity.capitalize()}. {rule.purpose}", "", f"Next step: {rule.fix}"]
    if isinstance(rule, LintRule):
        spectral = f" In Spectral: {', '.join(f'`{name}`' for name in rule.spectral)}." if rule.spectral else ""
        lines += ["", f"From: {rule.source}.{spectral}"]
    return lines + _example("Bad", rule, rule.bad) + _example("Good", rule, rule.good)


def _lint_page() -> str:
    lines = [
        "# Lint rules",
        "",
        NOTE,
        "",
        f"The {len(LINT_RULES)} rules by which `interlock lint` looks into contracts: OpenAPI 3.0 and 3.1, AsyncAPI 2"
        " and 3, JSON Schema. Examples are JSON Merge Patches (RFC 7396) of sound contracts. A rule with ● is asked of"
        " contracts of our own (in an estate, or with `x-interlock`); of others it is a warning. How they compare with"
        " Spectral's: [lint and Spectral](lint-and-spectral.md).",
        "",
        "| rule | severity | from |",
        "|---|---|---|",
    ]
    for rule in LINT_RULES:
        mark = " ●" if rule.governed else ""
        lines.append(f"| [{rule.id}](#{rule.id.lower()}){mark} | {rule.severity} | {rule.source} |")
    for rule in LINT_RULES:
        lines += _rule(rule)
    return "\n".join(lines) + "\n"


def _example(title: str, rule: Rule, example: str) -> list[str]:
    """Examples that only say 'without it' are not shown."""
    text = example.removeprefix("=").strip("\n")
    if text in ("", "-", "{}"):
        return []
    if len(text) > LONGEST:
        text = f"{text[:60]} …"
    kind = rule.place.rpartition(".")[2].replace("py", "python")
    patch = " (merged into it)" if kind == "json" and not example.startswith("=") else ""
    return ["", f"{title}, in `{rule.place}`{patch}:", "", f"```{kind}", text, "```"]


def main(folder: str) -> None:
    """Write the pages."""
    for name, content in pages().items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main(sys.argv[1])
