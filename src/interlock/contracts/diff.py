"""Compares two contracts of any kind: what changed, whom it hurts, and what the version number has to say.

This is the library call behind `interlock diff`, the registry, `check` and `gate`. It reads values, not files, and
starts no process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from importlib import import_module
from typing import Any, cast

import msgspec

from interlock.contracts.change_rule import ChangeRule
from interlock.contracts.comparison import Change, ChangeFinding, Comparison, Kind, Level, Mode, Reading, Verdict, judge
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.document_kind import kind_of, kinds_of

__all__ = ["KindsDiffer", "changes", "compare", "compare_with_all", "kind_of", "package_of", "remembering", "rules"]

_WORST_LAST: tuple[Verdict, ...] = ("compatible", "undecided", "breaking")


class KindsDiffer(ContractInvalid):
    """Each document is a contract, but of another kind."""


def compare(
    old: Any,
    new: Any,
    *,
    mode: Mode = "BACKWARD",
    reading: Reading = "SETS",
    kind: Kind | None = None,
    today: date | None = None,
) -> Comparison:
    """Two parsed documents of one kind; the kind is recognised by content unless given. Raises ContractInvalid.

    What an API has announced to end by `today` (`x-sunset`) may go; without a day, nothing may.
    """
    one = kind or _common_kind(old, new)
    return judge(one, changes(one, old, new, reading, today), mode, reading)


def remembering() -> Callable[..., Comparison]:
    """`compare` that answers the same question once: two revisions of an estate share most of their versions."""
    answers: dict[bytes, Comparison] = {}

    def remembered(old: Any, new: Any, **how: Any) -> Comparison:
        key = hashlib.sha256(msgspec.json.encode([old, new, how])).digest()
        if key not in answers:
            answers[key] = compare(old, new, **how)
        return answers[key]

    return remembered


def compare_with_all(
    olds: Sequence[Any],
    new: Any,
    *,
    mode: Mode = "BACKWARD_TRANSITIVE",
    reading: Reading = "SETS",
    kind: Kind | None = None,
    names: Sequence[str] | None = None,
    today: date | None = None,
) -> Comparison:
    """The new version against earlier ones, oldest first; a mode that is not transitive asks the last of them only.

    Each finding says in `against` which of `names` it concerns (default: their positions, from 1). The verdict is the
    worst; the level is the step from the last version, or major if any version refuses.
    """
    if not olds:
        raise ValueError("There is no earlier version to compare with.")
    called = list(names) if names is not None else [str(position) for position in range(1, len(olds) + 1)]
    pairs = list(zip(called, olds, strict=True))
    if not mode.endswith("_TRANSITIVE"):
        pairs = pairs[-1:]
    answers = [(name, compare(old, new, mode=mode, reading=reading, kind=kind, today=today)) for name, old in pairs]
    last = answers[-1][1]
    verdict = max((answer.verdict for _, answer in answers), key=_WORST_LAST.index)
    level: Level = last.level if verdict == "compatible" else "major"
    findings = _named(answers) if len(answers) > 1 or names is not None else last.findings
    return msgspec.structs.replace(last, verdict=verdict, level=level, findings=findings)


def changes(kind: Kind, old: Any, new: Any, reading: Reading = "SETS", today: date | None = None) -> list[Change]:
    """The facts, before any mode judges them. A differ is loaded when its kind is first met."""
    dated = {"today": today} if kind == "openapi" else {}
    return cast("list[Change]", _differ(kind).changes(old, new, reading=reading, **dated))


def rules(kind: Kind) -> tuple[ChangeRule, ...]:
    """All that the differ of a kind may say."""
    return cast("tuple[ChangeRule, ...]", _differ(kind).RULES)


def package_of(kind: Kind) -> str:
    return f"interlock.contracts.{kind.replace('-', '_')}"


def _differ(kind: Kind) -> Any:
    return import_module(f"{package_of(kind)}.diff")


def _common_kind(old: Any, new: Any) -> Kind:
    """The kind that both can be; where one text could be two kinds, the other decides."""
    before, after = kinds_of(old), kinds_of(new)
    for kind in before:
        if kind in after:
            return kind
    step = "Give versions of one contract; --kind says what they are where their content could be two kinds."
    raise KindsDiffer("", f"The old document is {_article(before[0])} and the new one {_article(after[0])}.", step)


def _article(kind: Kind) -> str:
    return {"json-schema": "a JSON Schema", "avro": "an Avro schema", "openapi": "an OpenAPI document"}[kind]


def _named(answers: Sequence[tuple[str, Comparison]]) -> tuple[ChangeFinding, ...]:
    """Each finding once, with the versions that it concerns. Places in old documents are those of the first of them."""
    versions: dict[bytes, list[str]] = {}
    first: dict[bytes, ChangeFinding] = {}
    for name, answer in answers:
        for finding in answer.findings:
            key = msgspec.json.encode(msgspec.structs.replace(finding, old_path=None, witness=msgspec.UNSET))
            first.setdefault(key, finding)
            versions.setdefault(key, []).append(name)
    found = [msgspec.structs.replace(one, against=tuple(versions[key])) for key, one in first.items()]
    return tuple(sorted(found, key=lambda one: ("ERR", "WARN", "INFO").index(one.severity)))
