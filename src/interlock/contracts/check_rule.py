"""What a rule of `interlock check` is."""

from __future__ import annotations

from dataclasses import dataclass

from interlock.contracts.finding import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """`fix` is the next step. `place` is the file that both examples change.

    An example for a .json file is a JSON Merge Patch (RFC 7396); one for a .py or .toml file is appended to it; "-"
    takes the file away. A whole file begins with "=" and replaces what was there. A patch for a version that is not
    there begins from the version beside it.

    before      for a rule about a change: the text of `place` in the last commit
    carried     for a rule about what is stored: type and version of an event in the log
    waivable    whether waivers.toml may set it aside; not where the estate could not be read or run, nor for secrets
    needed      whether an engine refuses to start with it; what only people need does not stop a running system
    """

    id: str
    purpose: str
    fix: str
    place: str
    bad: str
    good: str
    severity: Severity = "error"
    waivable: bool = True
    before: str = ""
    carried: str = ""
    needed: bool = True
