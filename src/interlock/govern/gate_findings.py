"""A gate's answer as findings with places, for build servers and code scanning."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.contracts.gate_rule import GATE_RULES
from interlock.contracts.report.entry import Entry, Report
from interlock.contracts.rule import RULES
from interlock.govern.gate_report import ContractChange, GateProblem, GateReport
from interlock.govern.gate_text import blast_radius, decision, head

WAIVED = "waivers.toml"


def found(report: GateReport) -> Report:
    """What keeps the change from landing are errors; what else there is to know is told without weight."""
    return Report(
        command="interlock gate",
        subject=f"{report.base[:12]} → {report.head[:12]}",
        summary=decision(report),
        entries=tuple(_entries(report)),
        files=tuple(change.file for change in report.contracts),
        purposes={rule.id: rule.purpose for rule in RULES} | {rule.id: rule.purpose for rule in GATE_RULES},
    )


def _entries(report: GateReport) -> Iterator[Entry]:
    for problem in report.problems:
        yield _problem(problem)
    for problem in report.waived:
        yield _problem(problem, WAIVED)
    for finding in report.findings_new:
        if finding.severity == "warning":
            yield Entry(
                finding.code, "warning", finding.file, finding.line, finding.detail, finding.pointer,
                (finding.next_step,),
            )  # fmt: skip
    for change in report.contracts:
        yield _change(change)


def _problem(problem: GateProblem, waived: str | None = None) -> Entry:
    message, *more = problem.detail.split("\n")
    return Entry(
        problem.rule, "error", problem.file, problem.line, message, more=(*more, problem.next_step), waived=waived
    )


def _change(change: ContractChange) -> Entry:
    return Entry("CONTRACT_CHANGED", "info", change.file, 1, head(change), more=(blast_radius(change),))
