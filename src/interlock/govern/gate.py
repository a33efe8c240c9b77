"""Judges a change of an estate: the contracts of before beside those of now. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from interlock.contracts.comparison import Comparison
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.contracts.event_contract import EXTENSION
from interlock.contracts.finding import Finding
from interlock.contracts.gate_rule import GATE_BY_ID
from interlock.contracts.rule import BY_ID
from interlock.contracts.waiver import Waiver, waived
from interlock.estate.contract_versions import ContractVersion, majors
from interlock.estate.readers import Readers, Touched, changed_field
from interlock.estate.static_check import StaticEstate
from interlock.estate.version_checks import Compare, harm, level_of, mode_of
from interlock.govern.gate_report import ContractChange, Decision, GateProblem, GateReport, Step
from interlock.govern.schema_fields import field_changes, fields, sensitive

DECISIONS = "decisions/"
_SHOWN = 5
_ORDERING = ("partition_key", "business_keys", "compatibility")


class Gate:
    """One judgement.

    `base` is read with no readers, `head` with the plans of the base as promised. `readers` are the flows of the head;
    `broken` is what is wrong with those flows that could not be read.
    """

    def __init__(
        self,
        base: StaticEstate,
        head: StaticEstate,
        readers: Readers,
        compare: Compare,
        today: date,
        broken: Iterable[Finding] = (),
    ) -> None:
        self._base = base
        self._head = head
        self._readers = readers
        self._compare = compare
        self._today = today
        self._broken = tuple(broken)
        self._problems: list[GateProblem] = []
        self._waived: list[GateProblem] = []

    def report(self, base: str, head: str) -> GateReport:
        contracts = tuple(self._contracts())
        for finding in self._broken:
            self._refuse("FLOW_BROKEN", finding.file, f"{finding.code}: {finding.detail}", line=finding.line)
        added, resolved = _difference(self._base.findings, self._head.findings)
        for finding in added:
            if finding.severity == "error":
                self._problems.append(_problem(finding))
        self._waived += [_problem(one.finding) for one in self._head.waived if _of_a_change(one.finding)]
        reasons = _by_subject(contracts, self._waivers_added())
        records = self._records()
        missing = [subject for subject in reasons if not any(_names(text, subject) for text in records.values())]
        for subject in missing:
            self._refuse("DECISION_MISSING", DECISIONS, f"{subject}: {'; '.join(reasons[subject])}.")
        decision: Decision = "needed" if missing else "recorded" if reasons else "not needed"
        return GateReport(
            base=base, head=head, passed=not self._problems, decision=decision,
            reasons=tuple(reason for each in reasons.values() for reason in each),
            records=tuple(path for path, text in records.items() if any(_names(text, one) for one in reasons)),
            contracts=contracts, problems=tuple(self._problems), waived=tuple(self._waived),
            findings_new=added, findings_resolved=resolved,
        )  # fmt: skip

    def _contracts(self) -> Iterable[ContractChange]:
        for name in sorted({*self._base.versions, *self._head.versions}):
            before = {one.version: one for one in self._base.versions.get(name, ())}
            after = {one.version: one for one in self._head.versions.get(name, ())}
            for version in before.keys() - after.keys():
                self._removed(before[version])
            for version in sorted(before.keys() & after.keys()):
                yield from self._edited(before[version], after[version])
            yield from self._landed(list(before.values()), list(after.values()))

    def _landed(self, before: list[ContractVersion], after: list[ContractVersion]) -> Iterable[ContractChange]:
        """Per major: the newest of now beside the newest of then, or beside the newest of an earlier major."""
        groups, present = majors(before), {one.version for one in before}
        for major, group in majors(after).items():
            newest = group[-1]
            if newest.version in present:
                continue
            earlier = groups.get(major) or [one for one in before if one.version.major < major]
            if earlier:
                yield self._compared("new version", earlier[-1], newest)
            else:
                yield self._described("added", None, newest)
        for major in groups.keys() - majors(after).keys():
            yield self._described("removed", groups[major][-1], None)

    def _edited(self, old: ContractVersion, new: ContractVersion) -> Iterable[ContractChange]:
        if old.content == new.content or (old.text is not None and old.document == new.document):
            return
        change = self._compared("edited", old, new)
        said = [one.message for one in change.findings if one.effect != "annotation"] + _metadata(old, new)
        if change.verdict is None or said:
            detail = f"{new.name} {new.version} has landed already, and this changes what it says"
            self._refuse("VERSION_EDITED", new.file, f"{detail}: {' '.join(said[:_SHOWN]) or 'it cannot be compared.'}")
        yield change

    def _removed(self, old: ContractVersion) -> None:
        plan = self._base.plans.get((old.name, old.version.major))
        if plan is None:
            self._refuse(
                "REMOVED_BEFORE_SUNSET", old.file, f"{old.name} {old.version} is gone, and nobody had planned it."
            )
        elif plan.sunset > self._today:
            detail = f"{old.name} {old.version} is gone before its sunset on {plan.sunset}."
            self._refuse("REMOVED_BEFORE_SUNSET", old.file, detail)

    def _compared(self, step: Step, old: ContractVersion, new: ContractVersion) -> ContractChange:
        mode = mode_of(new, self._head.settings.contracts.compatibility)
        if old.text is None or new.text is None:
            return self._described(step, old, new, mode=mode)
        try:
            judged = self._compare(old.beside(new), new.document, mode=mode, kind=new.document_kind, today=self._today)
        except ContractInvalid:
            return self._described(step, old, new, mode=mode)  # VERSION_INCOMPARABLE of `check` says why
        return self._described(step, old, new, waived(judged, new.file, self._head.waivers, self._today), mode)

    def _described(
        self,
        step: Step,
        old: ContractVersion | None,
        new: ContractVersion | None,
        judged: Comparison | None = None,
        mode: str | None = None,
    ) -> ContractChange:
        one = new or old
        assert one is not None
        # A new major has flows of its own.
        subjects = {each.subject for each in (old, new) if each is not None and each.kind != "webhook"}
        touched = self._reading(step, subjects, judged) if one.kind == "event" else Touched((), ())
        return ContractChange(
            contract=one.name, step=step, file=one.file,
            old=str(old.version) if old else None, new=str(new.version) if new else None,
            verdict=judged.verdict if judged else None, level=judged.level if judged else None, mode=mode,
            summary=tuple(_summary(old, new, judged)), findings=judged.findings if judged else (),
            readers=tuple(sorted({flow for subject in subjects for flow in self._readers.of(subject)})),
            touched=touched.reading, unclear=touched.unclear, reasons=tuple(_reasons(step, old, new, judged)),
        )  # fmt: skip

    def _reading(self, step: Step, types: set[str], judged: Comparison | None) -> Touched:
        """Of the flows that handle one of the types. What cannot be compared, and what went, touches them all."""
        flows = [flow for type_ in types for flow in self._readers.of(type_)]
        if step == "added":
            return Touched((), ())
        changed = [one for one in judged.findings if one.effect != "annotation"] if judged else []
        fields = {changed_field(one) for one in changed}
        if judged is None or None in fields:
            return Touched(tuple(sorted(set(flows))), ())
        each = [self._readers.touching(type_, [field for field in fields if field]) for type_ in types]
        reading = {flow for one in each for flow in one.reading}
        unclear = {flow for one in each for flow in one.unclear} - reading if fields else set()
        return Touched(tuple(sorted(reading)), tuple(sorted(unclear)))

    def _refuse(self, rule: str, file: str, detail: str, line: int = 1) -> None:
        known = GATE_BY_ID[rule]
        problem = GateProblem(rule=rule, file=file, line=line, detail=detail, next_step=known.fix)
        covered = known.waivable and self._head.waivers.covering(rule, file, "", self._today) is not None
        (self._waived if covered else self._problems).append(problem)

    def _waivers_added(self) -> list[Waiver]:
        """By what they say, wherever they stand in the file."""
        known = {(one.rule, one.place, one.expires) for one in self._base.waivers.all}
        return [one for one in self._head.waivers.all if (one.rule, one.place, one.expires) not in known]

    def _records(self) -> dict[str, str]:
        """The decision records that this change adds or changes."""
        return {
            path: content.decode(errors="replace")
            for path, content in self._head.files.items()
            if path.startswith(DECISIONS) and path.endswith(".md") and self._base.files.get(path) != content
        }


def _reasons(
    step: Step, old: ContractVersion | None, new: ContractVersion | None, judged: Comparison | None
) -> Iterable[str]:
    if new is None:
        return
    if step == "new version" and judged is None:
        yield f"{new.name} {new.version} cannot be compared"
    elif judged is not None and (judged.level == "major" or judged.verdict != "compatible"):
        yield f"{new.name} {new.version} is {'undecided' if judged.verdict == 'undecided' else 'breaking'}"
    elif old is not None and step == "new version" and level_of(old.version, new.version) == "major":
        yield f"{new.name} {new.version} is a new major version"
    known = sensitive(old.document) if old else {}
    fresh = sorted({class_ for place, class_ in sensitive(new.document).items() if known.get(place) != class_})
    if fresh:
        yield f"{new.name} {new.version} holds new {', '.join(fresh)} data"


def _by_subject(contracts: Iterable[ContractChange], waivers: Iterable[Waiver]) -> dict[str, list[str]]:
    """Why somebody has to decide, by what the record has to name: the contract, or the waived rule."""
    found: dict[str, list[str]] = {}
    for change in contracts:
        if change.reasons:
            found.setdefault(change.contract, []).extend(change.reasons)
    for waiver in waivers:
        found.setdefault(waiver.rule, []).append(f"{waiver.rule} is waived for {waiver.place} until {waiver.expires}")
    return found


def _names(text: str, subject: str) -> bool:
    """Whether a record names it, as a word of its own: orders.OrderPlaced is not in orders.OrderPlacedTwice."""
    padded = f" {text} "
    at = padded.find(subject)
    while at > 0:
        after = padded[at + len(subject)]
        if not (padded[at - 1].isalnum() or padded[at - 1] in "_./-" or after.isalnum() or after in "_-"):
            return True
        at = padded.find(subject, at + 1)
    return False


def _summary(old: ContractVersion | None, new: ContractVersion | None, judged: Comparison | None) -> list[str]:
    """Fields where the contract has them; where no field says it, the differ's own words."""
    if new is None:
        return ["the last of this major"]
    if old is None:
        return [] if new.kind == "api" else [f"{len(fields(new.document))} fields"]
    said = [] if new.kind == "api" else field_changes(old.document, new.document)
    if said or judged is None:
        return said
    worst = harm(judged) or [one for one in judged.findings if one.effect != "annotation"] or list(judged.findings)
    more = [f"and {len(worst) - _SHOWN} more"] if len(worst) > _SHOWN else []
    return [one.message.rstrip(".") for one in worst[:_SHOWN]] + more


def _metadata(old: ContractVersion, new: ContractVersion) -> list[str]:
    """What no document's validity shows, but order, look-up or masking follow."""
    if old.text is None or new.text is None:
        return []
    before, after = _extension(old.document), _extension(new.document)
    said = [f"{EXTENSION}.{name} is another." for name in _ORDERING if before.get(name) != after.get(name)]
    if _classes(old.document) != _classes(new.document):
        said.append("The classification is another.")
    return said


def _classes(document: Any) -> Any:
    named = {name: field.classification for name, field in fields(document).items()}
    return named, sensitive(document)


def _extension(document: Any) -> Mapping[str, Any]:
    found = document.get(EXTENSION)
    return found if isinstance(found, Mapping) else {}


def _of_a_change(finding: Finding) -> bool:
    """Whether the rule itself looks at what was before: the gate then says it by its own name."""
    return BY_ID[finding.code].before != ""


def _problem(finding: Finding) -> GateProblem:
    rule, detail = finding.code, finding.detail
    if not _of_a_change(finding):
        rule, detail = "FINDING_NEW", f"{finding.code}: {finding.detail}"
    return GateProblem(rule=rule, file=finding.file, line=finding.line, detail=detail, next_step=finding.next_step)


def _difference(before: Iterable[Finding], after: Iterable[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Findings that are new, and those that are resolved; a finding that only moved to another line is neither."""
    old, new = {_identity(one): one for one in before}, {_identity(one): one for one in after}
    return (
        tuple(one for key, one in new.items() if key not in old),
        tuple(one for key, one in old.items() if key not in new),
    )


def _identity(finding: Finding) -> tuple[str, str, str, str]:
    return finding.code, finding.file, finding.pointer, finding.detail
