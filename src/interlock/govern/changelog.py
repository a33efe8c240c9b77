"""The changelog of every contract, from its version files and its plans: nobody writes it, so it cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import msgspec

from interlock.contracts.comparison import ChangeFinding, Level, Mode, Verdict
from interlock.contracts.contract_invalid import ContractInvalid
from interlock.estate.contract_versions import ContractVersion
from interlock.estate.static_check import StaticEstate
from interlock.estate.version_checks import Compare, mode_of
from interlock.govern.gate_text import capital
from interlock.govern.schema_fields import field_changes

_SHOWN = 10


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One version. `since` is the version before it, also across majors; the first has none."""

    version: str
    file: str
    since: str | None = None
    level: Level | None = None
    verdict: Verdict | None = None
    mode: str | None = None
    summary: tuple[str, ...] = ()
    findings: tuple[ChangeFinding, ...] = ()


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """The plan for one major."""

    major: int
    deprecated: date
    sunset: date
    successor: str
    contact: str
    reason: str
    link: str = ""


class ContractHistory(msgspec.Struct, frozen=True, kw_only=True):
    """`entries` newest first; `endings` by date: the roadmap."""

    contract: str
    entries: tuple[Entry, ...]
    endings: tuple[Ending, ...] = ()


def histories(estate: StaticEstate, compare: Compare, contract: str | None = None) -> list[ContractHistory]:
    """Of all contracts, or of one."""
    default = estate.settings.contracts.compatibility
    return [
        ContractHistory(
            contract=name, entries=tuple(reversed(list(_entries(versions, compare, default)))),
            endings=tuple(_endings(estate, name)),
        )
        for name, versions in estate.versions.items()
        if contract in (None, name)
    ]  # fmt: skip


def text(histories: list[ContractHistory]) -> str:
    """One line a version, with its changes beneath."""
    lines: list[str] = []
    for history in histories:
        lines.append(history.contract)
        lines += [f"   {_ending(one)}" for one in history.endings]
        for entry in history.entries:
            lines.append(f"   {entry.version:<9} {_said(entry)}")
            lines += [f"             {line}" for line in entry.summary]
    return "\n".join(lines)


def markdown(histories: list[ContractHistory]) -> str:
    lines = ["# Changelog of the contracts", ""]
    for history in histories:
        lines += [f"## {history.contract}", ""]
        lines += [f"> {_ending(one)}" + (f" [More]({one.link})" if one.link else "") for one in history.endings]
        lines += [""] if history.endings else []
        for entry in history.entries:
            lines += [f"### {entry.version}", "", f"{capital(_said(entry))}.", ""]
            lines += [f"- {line}" for line in entry.summary]
            lines += [""] if entry.summary else []
    return "\n".join(lines).rstrip("\n") + "\n"


def _entries(versions: list[ContractVersion], compare: Compare, default: Mode) -> Iterator[Entry]:
    previous: ContractVersion | None = None
    for one in versions:
        yield _entry(previous, one, compare, default)
        previous = one


def _entry(old: ContractVersion | None, new: ContractVersion, compare: Compare, default: Mode) -> Entry:
    version, file = str(new.version), new.file
    if old is None or old.text is None or new.text is None:
        return Entry(version=version, file=file, since=str(old.version) if old else None)
    mode = mode_of(new, default)
    try:
        judged = compare(old.beside(new), new.document, mode=mode, kind=new.document_kind)
    except ContractInvalid as problem:
        said = f"it cannot be compared with {old.version}: {problem.detail}"
        return Entry(version=version, file=file, since=str(old.version), summary=(said,))
    summary = [] if new.kind == "api" else field_changes(old.document, new.document)
    summary = summary or [one.message.rstrip(".") for one in judged.findings]
    more = [f"and {len(summary) - _SHOWN} more"] if len(summary) > _SHOWN else []
    return Entry(
        version=version, file=file, since=str(old.version), level=judged.level, verdict=judged.verdict, mode=mode,
        summary=(*summary[:_SHOWN], *more), findings=judged.findings,
    )  # fmt: skip


def _endings(estate: StaticEstate, contract: str) -> list[Ending]:
    plans = [plan for (name, _), plan in estate.plans.items() if name == contract]
    return [
        Ending(
            major=plan.major, deprecated=plan.deprecated, sunset=plan.sunset, successor=plan.successor,
            contact=plan.contact, reason=plan.reason, link=plan.link,
        )
        for plan in sorted(plans, key=lambda one: one.sunset)
    ]  # fmt: skip


def _ending(plan: Ending) -> str:
    then = f"then {plan.successor}" if plan.successor != "none" else "then nothing"
    dates = f"{plan.major}.x: deprecated {plan.deprecated}, sunset {plan.sunset}, {then}"
    return f"{dates} ({plan.contact}). {plan.reason}"


def _said(entry: Entry) -> str:
    if entry.since is None:
        return "first version"
    if entry.level is None:
        return f"after {entry.since}"
    return f"{entry.level}, {entry.verdict} ({entry.mode}) since {entry.since}"
