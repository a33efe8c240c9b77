"""What a comparison of two contracts says: each change once, and a verdict under a compatibility mode.

The differs (JSON Schema, Avro, OpenAPI) state facts as `Change`s, independent of any mode. `judge` turns them into
findings and one verdict, so that every kind of contract answers in the same words.

Modes are those of the Confluent Schema Registry ('Schema Evolution and Compatibility'). BACKWARD: whoever reads by the
new contract reads what was written by the old one. FORWARD: whoever reads by the old one reads what is written by the
new. FULL: both. The transitive modes ask the same of every earlier version: `contracts.diff.compare_with_all`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import msgspec

from interlock.contracts.pointer import ABSENT

Kind = Literal["json-schema", "avro", "openapi"]
Mode = Literal["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"]
MODES: tuple[Mode, ...] = get_args(Mode)
# SETS: every document counts. STRICT and LENIENT: how the Confluent registry reads open and closed content models.
Reading = Literal["SETS", "STRICT", "LENIENT"]
READINGS: tuple[Reading, ...] = get_args(Reading)
# backward: documents of the old contract against the new one. forward: documents of the new against the old one.
# request: what callers of the old API send. response: what they get from the new one. none: nobody is hurt either way.
Direction = Literal["backward", "forward", "request", "response", "none"]
# breaking and undecided are about the change's own direction; annotation changes no document's validity.
Effect = Literal["breaking", "undecided", "safe", "annotation"]
Verdict = Literal["compatible", "breaking", "undecided"]
Level = Literal["patch", "minor", "major"]
ChangeSeverity = Literal["ERR", "WARN", "INFO"]

# Which directions a mode guards. An API's callers are on both sides: their requests must be taken by the new API
# (request), its answers understood by the old callers (response), so BACKWARD guards both.
_GUARDED: dict[str, frozenset[Direction]] = {
    "NONE": frozenset(),
    "BACKWARD": frozenset({"backward", "request", "response"}),
    "FORWARD": frozenset({"forward", "request", "response"}),
    "FULL": frozenset({"backward", "forward", "request", "response"}),
}


@dataclass(frozen=True, slots=True)
class Change:
    """One fact about two contracts, in one direction. A change that hurts both ways is two of these.

    old_path, new_path  JSON Pointers into the two documents; None where it has no place there
    old, new            the values there; ABSENT where there is none
    witness             for a breaking one: a document that shows it, or ABSENT. backward and request: valid under the
                        old contract, invalid under the new; forward and response: the other way round
    advice              worth a person's look, though compatible: WARN in place of INFO
    """

    rule: str
    direction: Direction
    effect: Effect
    message: str
    old_path: str | None = None
    new_path: str | None = None
    old: Any = ABSENT
    new: Any = ABSENT
    witness: Any = ABSENT
    advice: bool = False


class ChangeFinding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A change as people and machines read it. `path` is its place in the new document, or in the old if it went."""

    rule: str
    severity: ChangeSeverity
    direction: Direction
    effect: Effect
    path: str
    message: str
    old_path: str | None = None
    new_path: str | None = None
    old: Any = msgspec.UNSET
    new: Any = msgspec.UNSET
    witness: Any = msgspec.UNSET
    waived: str | None = None
    against: tuple[str, ...] = ()  # the earlier versions that it concerns, where there are several


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The answer. `level` is what the version number has to say (semver.org): undecided counts as major."""

    kind: Kind
    mode: Mode
    reading: Reading
    verdict: Verdict
    level: Level
    findings: tuple[ChangeFinding, ...]


def judge(kind: Kind, changes: Iterable[Change], mode: Mode, reading: Reading) -> Comparison:
    """ERR is what the mode refuses, WARN what a person should look at, INFO the rest; ERR first."""
    every = tuple(changes)
    guarded = _GUARDED[mode.removesuffix("_TRANSITIVE")]
    findings = tuple(sorted((_finding(one, guarded) for one in every), key=_order))
    # NONE refuses nothing, but a version number still has to tell the truth: it is judged as BACKWARD.
    watched = guarded or _GUARDED["BACKWARD"]
    return Comparison(
        kind=kind, mode=mode, reading=reading, verdict=_verdict(every, guarded), level=_level(every, watched),
        findings=findings,
    )  # fmt: skip


def refused(finding: ChangeFinding) -> bool:
    """Whether this finding alone makes the verdict other than compatible."""
    return finding.severity == "ERR" and finding.waived is None


def _finding(change: Change, guarded: frozenset[Direction]) -> ChangeFinding:
    harmful = change.effect in ("breaking", "undecided")
    severity: ChangeSeverity = "INFO"
    if harmful and change.direction in guarded:
        severity = "ERR"
    elif change.advice:
        severity = "WARN"
    path = change.new_path if change.new_path is not None else change.old_path
    return ChangeFinding(
        rule=change.rule,
        severity=severity,
        direction=change.direction,
        effect=change.effect,
        path=path or "",
        message=change.message,
        old_path=change.old_path,
        new_path=change.new_path,
        old=_said(change.old),
        new=_said(change.new),
        witness=_said(change.witness),
    )


def _said(value: Any) -> Any:
    return msgspec.UNSET if value is ABSENT else value


def _order(finding: ChangeFinding) -> tuple[int, str, str]:
    return (("ERR", "WARN", "INFO").index(finding.severity), finding.path, finding.rule)


def _verdict(changes: tuple[Change, ...], guarded: frozenset[Direction]) -> Verdict:
    effects = {change.effect for change in changes if change.direction in guarded}
    if "breaking" in effects:
        return "breaking"
    return "undecided" if "undecided" in effects else "compatible"


def _level(changes: tuple[Change, ...], watched: frozenset[Direction]) -> Level:
    if _verdict(changes, watched) != "compatible":
        return "major"
    return "minor" if any(change.effect != "annotation" for change in changes) else "patch"
