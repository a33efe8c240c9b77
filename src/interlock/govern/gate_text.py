"""A gate's answer as people read it: at a terminal, as a comment of a pull request, and as a notice in a chat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from interlock.contracts.comparison import refused
from interlock.contracts.finding import Finding
from interlock.contracts.witness import shortened
from interlock.govern.gate_report import ContractChange, GateProblem, GateReport

_SHOWN = 20
_SLACK_CHARACTERS = 2900  # a section's text holds 3000
_VERDICTS = {True: "PASS", False: "FAIL"}


def text(report: GateReport) -> str:
    """A paragraph for each contract, then what is wrong, then the decision."""
    lines: list[str] = []
    for change in report.contracts:
        lines += [head(change), *(f"   {line}" for line in _refusals(change)), blast_radius(change)]
    if not report.contracts:
        lines.append("no contract has changed")
    lines += [line for problem in report.problems for line in _problem(problem)]
    lines += [f"waived: {problem.rule}  {problem.detail}" for problem in report.waived]
    lines += _findings(report)
    width = max(len(decision(report)) + 10, 60)
    lines.append(f"{decision(report):<{width}}{_VERDICTS[report.passed]}")
    return "\n".join(lines)


def markdown(report: GateReport) -> str:
    """Ready as a comment: what a reviewer has to know, first; details folded away."""
    lines = [f"## Interlock gate: {_VERDICTS[report.passed]}", "", f"{capital(decision(report))}.", ""]
    if report.problems:
        lines += ["### What is wrong", ""]
        lines += [
            f"- **{one.rule}** `{one.file}`: {_md(one.detail)}<br>{_md(one.next_step)}" for one in report.problems
        ]
        lines.append("")
    if report.contracts:
        lines += ["| contract | versions | verdict | change | flows that read or serve it |", "|---|---|---|---|---|"]
        lines += [_row(change) for change in report.contracts]
        lines += ["", "Flows are those that declare the contract; what they read is told from their code.", ""]
        lines += _details(report.contracts)
    else:
        lines += ["No contract has changed.", ""]
    if report.waived:
        lines += ["### Waived", "", *(f"- **{one.rule}** {_md(one.detail)}" for one in report.waived), ""]
    for title, findings in (("New findings", report.findings_new), ("Resolved", report.findings_resolved)):
        if findings:
            lines += [f"### {title}", ""]
            lines += [f"- {one.code} `{one.file}:{one.line}` {_md(one.detail)}" for one in findings[:_SHOWN]]
            lines += [*_rest(findings, "- "), ""]
    lines.append(f"<sub>{report.base[:12]} → {report.head[:12]}</sub>")
    return "\n".join(lines)


def slack(report: GateReport) -> dict[str, Any]:
    """A message for an incoming webhook of Slack and of what speaks its format: `text` and section `blocks`."""
    title = f"Interlock gate: {_VERDICTS[report.passed]}"
    lines = [f"• {head(change)}" for change in report.contracts] or ["no contract has changed"]
    lines += [f"• *{problem.rule}* {problem.detail}" for problem in report.problems]
    lines.append(decision(report))
    body = "\n".join(_escaped(line) for line in lines)
    if len(body) > _SLACK_CHARACTERS:
        body = body[:_SLACK_CHARACTERS] + " …"
    sections = [f"*{title}*", body]
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": one}} for one in sections]
    count = len(report.contracts)
    said = f"{title}: {count} contract{'s' * (count != 1)} changed, {decision(report)}"
    return {"text": said, "blocks": blocks}


def decision(report: GateReport) -> str:
    if report.decision == "not needed":
        return "decision: not needed"
    because = f" ({'; '.join(report.reasons)})" if report.reasons else ""
    if report.decision == "recorded":
        return f"decision: recorded in {', '.join(report.records)}{because}"
    return f"decision: needed{because}"


def blast_radius(change: ContractChange) -> str:
    """blast radius: 3 flows read this event (audit, ledger, mail), none reads the changed part"""
    if change.contract.startswith("webhooks/"):
        return "blast radius: who receives it is not recorded yet"
    if change.contract.startswith("apis/"):
        served = f"{_flows(change.readers, 'serve')} this API ({', '.join(change.readers)})" if change.readers else ""
        return f"blast radius: {served or 'no flow of this estate serves this API'}; who calls it is not recorded yet"
    if not change.readers:
        return "blast radius: no flow of this estate reads this event"
    said = [f"{_flows(change.readers, 'read')} this event ({', '.join(change.readers)})"]
    if change.step != "added":
        verb = "reads" if len(change.touched) < 2 else "read"
        names = f": {', '.join(change.touched)}" if change.touched else ""
        said.append(f"{len(change.touched) or 'none'} {verb} the changed part{names}")
        said += [f"what {', '.join(change.unclear)} reads cannot be told"] if change.unclear else []
    return f"blast radius: {'; '.join(said)}"


def _flows(names: Sequence[str], verb: str) -> str:
    return f"{len(names)} flow{'s' * (len(names) > 1)} {verb}{'s' * (len(names) == 1)}"


def head(change: ContractChange) -> str:
    """orders.OrderPlaced 1.2.0 → 1.3.0   minor, compatible (BACKWARD)   + optional field "gift_note" (internal)"""
    parts = [f"{change.contract} {_versions(change)}", _verdict(change), "; ".join(change.summary)]
    return "   ".join(part for part in parts if part)


def _versions(change: ContractChange) -> str:
    if change.step == "edited":
        return f"{change.new} edited"
    if change.old is None or change.new is None:
        return f"{change.new or change.old} {change.step}"
    return f"{change.old} → {change.new}"


def _verdict(change: ContractChange) -> str:
    if change.verdict is None:
        return "cannot be compared" if change.step in ("new version", "edited") else ""
    return f"{change.level}, {change.verdict} ({change.mode})"


def _refusals(change: ContractChange) -> Iterator[str]:
    for finding in [one for one in change.findings if refused(one)][:_SHOWN]:
        yield f"{finding.rule} {finding.path or '/'}  {finding.message}"
        if finding.witness is not msgspec.UNSET:
            yield f"   shown by: {shortened(finding.witness)}"


def _problem(problem: GateProblem) -> list[str]:
    detail = problem.detail.replace("\n", "\n   ")
    return [f"{problem.file}  {problem.rule}", f"   {detail}", f"   {problem.next_step}"]


def _findings(report: GateReport) -> Iterator[str]:
    new = [one for one in report.findings_new if one.severity == "warning"]
    for finding in new[:_SHOWN]:
        yield f"new warning: {finding.file}:{finding.line}  {finding.code}  {finding.detail}"
    yield from _rest(new, "")
    if report.findings_resolved:
        yield f"resolved: {', '.join(sorted({one.code for one in report.findings_resolved}))}"


def _rest(findings: Sequence[Finding], lead: str) -> list[str]:
    return [f"{lead}and {len(findings) - _SHOWN} more"] if len(findings) > _SHOWN else []


def _row(change: ContractChange) -> str:
    cells = (
        f"`{change.contract}`", _versions(change), _verdict(change), "<br>".join(map(_md, change.summary)),
        "<br>".join(map(_md, _readers(change))) or "none known",
    )  # fmt: skip
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _readers(change: ContractChange) -> list[str]:
    """Each with what it has to do with the change."""
    told = dict.fromkeys(change.touched, ": the changed part") | dict.fromkeys(change.unclear, ": cannot be told")
    return [name + told.get(name, "") for name in change.readers]


def _details(changes: Iterable[ContractChange]) -> list[str]:
    lines: list[str] = []
    for change in changes:
        refusals = [one for one in change.findings if refused(one)]
        if refusals:
            lines += [f"<details><summary>{change.contract}: {len(refusals)} breaking or undecided</summary>", ""]
            for one in refusals[:_SHOWN]:
                lines.append(f"- **{one.rule}** `{one.path or '/'}` {_md(one.message)}")
                if one.witness is not msgspec.UNSET:
                    lines += ["", "  ```json", f"  {shortened(one.witness)}", "  ```", ""]
            lines += ["", "</details>", ""]
    return lines


def _md(plain: str) -> str:
    """A contract's words must not become markup of our comment."""
    safe = plain.replace("&", "&amp;").replace("<", "&lt;").replace("\n", " ")
    return "".join("\\" + letter if letter in "*_`[]\\" else letter for letter in safe)


def capital(text: str) -> str:
    """The first letter alone: names keep theirs."""
    return text[:1].upper() + text[1:]


def _escaped(plain: str) -> str:
    """As Slack asks: these three, and nothing else."""
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
