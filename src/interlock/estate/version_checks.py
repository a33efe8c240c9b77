"""Holds the version number of each contract to what its diff says (C2): the diff decides, never the author."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import cast

from interlock.contracts.comparison import MODES, ChangeFinding, Comparison, Level, Mode
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.semver import SemanticVersion
from interlock.contracts.waiver import Waivers, waived
from interlock.contracts.witness import values_text, witness_text
from interlock.estate.contract_versions import ContractVersion, Versions, majors
from interlock.estate.findings import Findings
from interlock.estate.folder import MARKER
from interlock.estate.readers import Readers, changed_field, flows_text, servers_text

Compare = Callable[..., Comparison]
LEVELS: tuple[Level, ...] = ("patch", "minor", "major")
_SHOWN = 5


class VersionChecks:
    """Compares each version with its predecessor of the same major; transitive modes with all of them."""

    def __init__(
        self,
        default_mode: Mode,
        readers: Readers,
        waivers: Waivers,
        findings: Findings,
        compare: Compare,
        today: date | None = None,
    ) -> None:
        self._default = default_mode
        self._readers = readers
        self._waivers = waivers
        self._findings = findings
        self._compare = compare
        self._today = today

    def run(self, versions: Versions) -> None:
        if self._default == "NONE":
            self._findings.add("COMPATIBILITY_NONE", MARKER, 1, "contracts.compatibility is NONE for all contracts.")
        for name, every in versions.items():
            for group in majors(every).values():
                self._modes(group)
                for at in range(1, len(group)):
                    self._check(name, group[:at], group[at])

    def _modes(self, group: list[ContractVersion]) -> None:
        for one in group:
            place = f"/{EXTENSION}/compatibility"
            if one.mode is not None and one.mode not in MODES:
                detail = f"{one.mode} is no compatibility mode: {', '.join(MODES)}."
                self._add("COMPATIBILITY_UNKNOWN", one, place, detail)
            elif one.mode == "NONE":
                self._add("COMPATIBILITY_NONE", one, place, f"{one.name} {one.version} promises its readers nothing.")

    def _check(self, name: str, earlier: list[ContractVersion], new: ContractVersion) -> None:
        mode = mode_of(new, self._default)
        olds = earlier if mode.endswith("_TRANSITIVE") else earlier[-1:]
        for old in reversed(olds):
            if old.text is None or new.text is None or old.content == new.content:
                continue
            comparison = self._compared(old, new, mode)
            if comparison is not None:
                self._judge(name, old, new, comparison)

    def _compared(self, old: ContractVersion, new: ContractVersion, mode: Mode) -> Comparison | None:
        try:
            comparison = self._compare(old.document, new.document, mode=mode, kind=new.document_kind, today=self._today)
        except ContractInvalid as problem:
            detail = f"{new.version} cannot be compared with {old.version}: {problem.detail}"
            self._add("VERSION_INCOMPARABLE", new, problem.pointer, detail)
            return None
        return waived(comparison, new.file, self._waivers, self._today)

    def _judge(self, name: str, old: ContractVersion, new: ContractVersion, comparison: Comparison) -> None:
        said, meant = level_of(old.version, new.version), comparison.level
        if meant == "major":
            self._breaking(name, old, new, comparison)
        elif LEVELS.index(said) < LEVELS.index(meant):
            shown = next((one for one in comparison.findings if one.effect != "annotation"), None)
            detail = f"{new.version} says {said}, the diff from {old.version} says {meant}"
            detail += f": {shown.message}" if shown else "."
            step = f"Make it {bumped(old.version, meant)}: interlock new version {name} --{meant}"
            self._add("VERSION_UNDERSTATED", new, shown.path if shown else "", detail, step)
        for advice in comparison.findings:
            if advice.severity == "WARN":
                self._add("VERSION_ADVICE", new, advice.path, f"{new.version} against {old.version}: {advice.message}")

    def _breaking(self, name: str, old: ContractVersion, new: ContractVersion, comparison: Comparison) -> None:
        harmful = harm(comparison)
        step = f"Make it {bumped(old.version, 'major')} with a deprecation plan: interlock new version {name} --major"
        for finding in harmful[:_SHOWN]:
            head = f"{new.version} against {old.version}, {finding.rule} at {finding.path or '/'}: {finding.message}"
            if len(harmful) > _SHOWN and finding is harmful[_SHOWN - 1]:
                head += f" And {len(harmful) - _SHOWN} more."
            witness = witness_text(finding, str(old.version), str(new.version))
            lines = [head, values_text(finding), self._read_by(new, finding), witness]
            self._add("BREAKING_NEEDS_MAJOR", new, finding.path, "\n".join(filter(None, lines)), step)

    def _read_by(self, version: ContractVersion, finding: ChangeFinding) -> str:
        if version.kind == "event":
            return flows_text(self._readers, version.subject, changed_field(finding))
        if version.kind == "api":
            return servers_text(self._readers, version.subject)
        return "Who receives it is not recorded."

    def _add(self, code: str, version: ContractVersion, pointer: str, detail: str, step: str | None = None) -> None:
        self._findings.add(code, version.file, version.line(pointer), detail, step, pointer=pointer)


def mode_of(version: ContractVersion, default: Mode) -> Mode:
    return cast("Mode", version.mode) if version.mode in MODES else default


def level_of(old: SemanticVersion, new: SemanticVersion) -> Level:
    """What the step from one number to the other says."""
    if old.major != new.major:
        return "major"
    return "minor" if old.minor != new.minor else "patch"


def bumped(version: SemanticVersion, level: Level) -> SemanticVersion:
    if level == "major":
        return SemanticVersion(version.major + 1, 0, 0)
    if level == "minor":
        return SemanticVersion(version.major, version.minor + 1, 0)
    return SemanticVersion(version.major, version.minor, version.patch + 1)


def harm(comparison: Comparison) -> list[ChangeFinding]:
    """The changes that make it major. Under NONE nothing is an ERR, yet the number has to tell the truth."""
    refused = [one for one in comparison.findings if one.severity == "ERR" and one.waived is None]
    if refused or comparison.mode != "NONE":
        return refused
    return [one for one in comparison.findings if one.effect in ("breaking", "undecided")]
