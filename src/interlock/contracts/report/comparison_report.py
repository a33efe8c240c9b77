"""A comparison of two contracts as JSON, and as a report for the other formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from interlock.contracts.comparison import ChangeFinding, Comparison, Kind
from interlock.contracts.diff import rules
from interlock.contracts.report.entry import Entry, Gravity, Report
from interlock.contracts.witness import values_text, witness_text

_GRAVITIES: dict[str, Gravity] = {"ERR": "error", "WARN": "warning", "INFO": "info"}


def document(comparison: Comparison) -> dict[str, Any]:
    """Every finding has every member; null where there is none. `witnessed` tells the witness null from no witness."""
    return {
        "kind": comparison.kind,
        "mode": comparison.mode,
        "reading": comparison.reading,
        "verdict": comparison.verdict,
        "level": comparison.level,
        "findings": [_finding(one) for one in comparison.findings],
    }


def report(comparison: Comparison, olds: Iterable[str], new: str, line: Callable[[str], int]) -> Report:
    """`olds` and `new` are names of files; `line` is that of a place in the new one."""
    names = tuple(olds)
    return Report(
        command="interlock diff",
        subject=f"{', '.join(names)} → {new}",
        summary=summary(comparison),
        entries=tuple(_entry(one, names, new, line(one.path)) for one in comparison.findings),
        files=(new,),
        purposes=purposes(comparison.kind),
    )


def summary(comparison: Comparison) -> str:
    """major, breaking (BACKWARD): 1 error, 2 infos"""
    counts = dict.fromkeys(_GRAVITIES.values(), 0)
    waived = 0
    for one in comparison.findings:
        if one.waived is not None:
            waived += 1
        else:
            counts[_GRAVITIES[one.severity]] += 1
    said = [f"{count} {gravity}{'s' * (count > 1)}" for gravity, count in counts.items() if count]
    said += [f"{waived} waived"] if waived else []
    changed = ", ".join(said) or "no change"
    return f"{comparison.level}, {comparison.verdict} ({comparison.mode}): {changed}"


def purposes(kind: Kind) -> Mapping[str, str]:
    """By rule, from the tables of the differ."""
    return {rule.id: rule.purpose for rule in rules(kind)}


def _entry(finding: ChangeFinding, olds: tuple[str, ...], new: str, line: int) -> Entry:
    against = finding.against or olds
    more = [line for line in (values_text(finding), witness_text(finding, against[0], new)) if line]
    if finding.against and len(olds) > 1:
        more.append(f"Against {', '.join(finding.against)}.")
    return Entry(
        rule=finding.rule,
        gravity=_GRAVITIES[finding.severity],
        file=new,
        line=line,
        message=f"{finding.path or '/'}: {finding.message}",
        pointer=finding.path,
        more=tuple(more),
        waived=finding.waived,
    )


def _finding(finding: ChangeFinding) -> dict[str, Any]:
    built = msgspec.to_builtins(finding)
    members = ("rule", "severity", "direction", "effect", "path", "old_path", "old", "new", "message", "witness")
    shown = {name: built.get(name) for name in members} | {"witnessed": finding.witness is not msgspec.UNSET}
    return shown | {name: built[name] for name in ("waived", "against") if name in built}
