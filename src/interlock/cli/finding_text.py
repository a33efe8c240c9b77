"""Findings as people read them: where, what, why it matters, the next step."""

from __future__ import annotations

from collections.abc import Sequence

from interlock.contracts.finding import Finding
from interlock.contracts.report.entry import Entry
from interlock.contracts.report.text import entry_text


def counted(total: int, noun: str) -> str:
    return f"{total} {noun}" if total == 1 else f"{total} {noun}s"


def finding_text(finding: Finding) -> str:
    """Three lines or more; the place first, so that editors jump there."""
    return entry_text(entry(finding))


def entry(finding: Finding, waived: str | None = None) -> Entry:
    """For every format; `waived` is the reason why nobody has to act on it."""
    message, *more = finding.detail.split("\n")
    return Entry(
        rule=finding.code, gravity=finding.severity, file=finding.file, line=finding.line, message=message,
        pointer=finding.pointer, more=(*more, finding.next_step), waived=waived,
    )  # fmt: skip


def summary(findings: Sequence[Finding], contract_files: int) -> str:
    """2 errors in 1 of 14 contracts. Other files are named apart."""
    amounts = [
        counted(sum(finding.severity == severity for finding in findings), severity)
        for severity in ("error", "warning")
        if severity == "error" or any(finding.severity == severity for finding in findings)
    ]
    if not findings:
        return f"no errors in {counted(contract_files, 'contract')}"
    files = {finding.file for finding in findings}
    contracts = sum(file.startswith("contracts/") and file.endswith(".json") for file in files)
    places = [f"{contracts} of {counted(contract_files, 'contract')}"] if contracts else []
    others = len(files) - contracts
    if others:
        places.append(f"{others} other file{'s' * (others > 1)}" if contracts else counted(others, "file"))
    return f"{' and '.join(amounts)} in {' and '.join(places)}"
