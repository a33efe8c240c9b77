"""Reads waivers.toml, takes the waived findings out, and reports waivers that are wrong, expired or needless."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from interlock.contracts.finding import Finding
from interlock.contracts.gate_rule import GATE_BY_ID
from interlock.contracts.rule import BY_ID
from interlock.contracts.waiver import Waiver, Waivers
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.system import Owner

WAIVERS = "waivers.toml"


class Waived(NamedTuple):
    """A finding that nobody has to act on for now, and why."""

    finding: Finding
    waiver: Waiver


def read_waivers(folder: Folder, owners: Mapping[str, Owner], findings: Findings) -> Waivers:
    """The sound waivers of the estate; what is wrong with the others is reported."""
    content = folder.files.get(WAIVERS, b"")
    waivers = Waivers.parse(content.decode(errors="replace"))
    for mistake in waivers.mistakes:
        findings.add("WAIVER_INVALID", WAIVERS, mistake.line, mistake.detail)
    sound = []
    for waiver in waivers.all:
        rule = BY_ID.get(waiver.rule) or GATE_BY_ID.get(waiver.rule)
        if waiver.owner not in owners:
            findings.add("WAIVER_INVALID", WAIVERS, waiver.line, f"{waiver.owner} is not in owners.toml.")
        elif rule is not None and not rule.waivable:
            findings.add("WAIVER_INVALID", WAIVERS, waiver.line, f"{waiver.rule} cannot be waived. {rule.purpose}")
        else:
            sound.append(waiver)
    return Waivers(sound)


def apply_waivers(waivers: Waivers, findings: Findings, today: date | None) -> tuple[Waived, ...]:
    """Takes what is waived out of `findings`. `today` is None where the day must not decide: at a start."""
    waived = []
    for finding in findings.all():
        rule = BY_ID[finding.code]
        waiver = waivers.covering(finding.code, finding.file, finding.pointer, today) if rule.waivable else None
        if waiver is not None:
            findings.remove(finding)
            waived.append(Waived(finding, waiver))
    if today is not None:
        _report(waivers, findings, today)
    return tuple(waived)


def _report(waivers: Waivers, findings: Findings, today: date) -> None:
    expired = waivers.expired(today)
    for waiver in expired:
        detail = f"The waiver of {waiver.rule} for {waiver.place} ended on {waiver.expires}."
        findings.add("WAIVER_EXPIRED", WAIVERS, waiver.line, detail)
    for waiver in waivers.unused():
        if waiver not in expired and not _of_a_change(waiver.rule):
            detail = f"Nothing at {waiver.place} breaks {waiver.rule} any more."
            findings.add("WAIVER_UNUSED", WAIVERS, waiver.line, detail)


def _of_a_change(rule: str) -> bool:
    """Whether only a change can break it: a waiver of it covers nothing once the change has landed."""
    return rule in GATE_BY_ID or (rule in BY_ID and BY_ID[rule].before != "")
