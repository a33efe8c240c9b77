"""What `interlock gate` answers: each changed contract, what is wrong with the change, and whether it may land."""

from __future__ import annotations

from typing import Literal

import msgspec

from interlock.contracts.comparison import ChangeFinding, Level, Verdict
from interlock.contracts.finding import Finding

Step = Literal["added", "new version", "removed", "edited"]
Decision = Literal["not needed", "recorded", "needed"]


class ContractChange(msgspec.Struct, frozen=True, kw_only=True):
    """One contract, one major. `old` and `new` are versions; None where there is none.

    summary     what changed, in a few words each
    readers     the flows that handle it, or serve it; of those of an event, by their code:
    touched     those that read what changed
    unclear     those that hand the event on whole, so that it cannot be told
    reasons     why somebody has to decide; empty: nobody has to
    """

    contract: str
    step: Step
    file: str
    old: str | None = None
    new: str | None = None
    verdict: Verdict | None = None
    level: Level | None = None
    mode: str | None = None
    summary: tuple[str, ...] = ()
    findings: tuple[ChangeFinding, ...] = ()
    readers: tuple[str, ...] = ()
    touched: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()


class GateProblem(msgspec.Struct, frozen=True, kw_only=True):
    """Why the change may not land. `file` is relative to the estate."""

    rule: str
    file: str
    detail: str
    next_step: str
    line: int = 1


class GateReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer. `waived` are problems that waivers.toml sets aside."""

    base: str
    head: str
    passed: bool
    decision: Decision
    reasons: tuple[str, ...]
    records: tuple[str, ...]
    contracts: tuple[ContractChange, ...]
    problems: tuple[GateProblem, ...]
    waived: tuple[GateProblem, ...]
    findings_new: tuple[Finding, ...]
    findings_resolved: tuple[Finding, ...]
