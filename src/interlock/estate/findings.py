"""Where the readers of an estate put the mistakes that they find: all at once, none twice."""

from __future__ import annotations

from interlock.contracts.finding import Finding
from interlock.contracts.rule import BY_ID


class Findings:
    """Collects; severity and next step come from the rule."""

    def __init__(self) -> None:
        self._found: set[Finding] = set()

    def add(
        self, code: str, file: str, line: int, detail: str, next_step: str | None = None, *, pointer: str = ""
    ) -> None:
        rule = BY_ID[code]
        self._found.add(
            Finding(
                file=file,
                line=line,
                code=code,
                severity=rule.severity,
                detail=detail,
                next_step=next_step or rule.fix,
                pointer=pointer,
            )
        )

    def remove(self, finding: Finding) -> None:
        self._found.remove(finding)

    def all(self) -> tuple[Finding, ...]:
        """By file, line and code."""
        return tuple(sorted(self._found))

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.all() if finding.severity == "error")
