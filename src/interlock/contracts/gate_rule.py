"""The rules of `interlock gate`: they need the estate of before beside that of now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class GateRule:
    """`fix` is the next step."""

    id: str
    purpose: str
    fix: str
    waivable: bool = True


GATE_RULES: tuple[GateRule, ...] = (
    GateRule(
        "VERSION_EDITED",
        "A version that has landed is a promise: whoever read it yesterday must find the same today.",
        "Take the edit back and make a new version of it: interlock new version CONTRACT",
    ),
    GateRule(
        "REMOVED_BEFORE_SUNSET",
        "A version is removed when its sunset has passed, and not while somebody was told that it lives.",
        "Put the file back; plan its end in deprecations.toml, and remove it after the sunset.",
    ),
    GateRule(
        "DECISION_MISSING",
        "What breaks readers, sets a rule aside or brings personal or secret data in is somebody's decision.",
        "Write decisions/<number>-<title>.md in this change, and name the contract or the waived rule in it.",
        waivable=False,
    ),
    GateRule(
        "FLOW_BROKEN",
        "Who reads a contract is told from the flows; one that does not load, or waits for nothing, hides it.",
        "Correct it: interlock check",
        waivable=False,
    ),
    GateRule(
        "FINDING_NEW",
        "A change does not add mistakes to those that are there.",
        "Correct it: interlock check",
        waivable=False,
    ),
)

GATE_BY_ID = {rule.id: rule for rule in GATE_RULES}
