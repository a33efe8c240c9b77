"""Reads deprecations.toml and holds each plan to the contracts, the owners and the notice that is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from interlock.contracts.deprecation import Deprecation, parse, problems
from interlock.estate.contract_versions import Versions, majors
from interlock.estate.findings import Findings
from interlock.estate.folder import Folder
from interlock.estate.settings import Settings
from interlock.estate.system import Owner

DEPRECATIONS = "deprecations.toml"


Promised = Mapping[tuple[str, int], Deprecation]
"""Plans by contract and major."""


class Plans(NamedTuple):
    """`by_major` are the whole plans, by contract and major; `begun` holds the incomplete ones too."""

    by_major: Promised
    begun: frozenset[tuple[str, int]]


def read_deprecations(
    folder: Folder, versions: Versions, owners: Mapping[str, Owner], settings: Settings, findings: Findings
) -> Plans:
    """What is wrong with a plan is reported; a plan with a wrong successor, say, still counts as one."""
    plans, mistakes = parse(folder.files.get(DEPRECATIONS, b"").decode(errors="replace"))
    begun = {(mistake.contract, mistake.major) for mistake in mistakes}
    for mistake in mistakes:
        findings.add("DEPRECATION_INCOMPLETE", DEPRECATIONS, mistake.line, mistake.detail)
    by_major: dict[tuple[str, int], Deprecation] = {}
    for plan in plans:
        said = _problems(plan, versions, owners, settings)
        if (plan.contract, plan.major) in by_major:
            said.append(f"{plan.contract} {plan.major}.x has two plans.")
        for detail in said:
            findings.add("DEPRECATION_INCOMPLETE", DEPRECATIONS, plan.line, detail)
        by_major.setdefault((plan.contract, plan.major), plan)
    return Plans(by_major, frozenset(begun | by_major.keys()))


def check_deprecations(plans: Plans, versions: Versions, today: date | None, findings: Findings) -> None:
    """Old majors without a plan, and plans whose day has come."""
    for name, every in versions.items():
        groups = majors(every)
        for major, group in list(groups.items())[:-1]:
            if (name, major) not in plans.begun:
                detail = f"{name} {every[-1].version} is there, but no plan says when {major}.x ends."
                findings.add("DEPRECATION_MISSING", group[-1].file, 1, detail)
    for plan in plans.by_major.values():
        still = [one for one in versions.get(plan.contract, ()) if one.version.major == plan.major]
        if today is not None and still and plan.sunset <= today:
            detail = f"{plan.contract} {plan.major}.x was to end on {plan.sunset}, and is still served."
            findings.add("SUNSET_PASSED", DEPRECATIONS, plan.line, detail)


def check_sunsets(promised: Promised, plans: Plans, versions: Versions, today: date | None, findings: Findings) -> None:
    """Plans that end a major earlier than `promised` had it. With no day given, none that has gone is missed."""
    for (contract, major), plan in promised.items():
        now = plans.by_major.get((contract, major))
        there = any(one.version.major == major for one in versions.get(contract, ()))
        if now is not None and now.sunset < plan.sunset:
            detail = f"The sunset of {contract} {major}.x was {plan.sunset}, and is {now.sunset} now."
            findings.add("SUNSET_SHORTENED", DEPRECATIONS, now.line, detail)
        elif now is None and not there and today is not None and plan.sunset > today:
            detail = f"The plan of {contract} {major}.x is gone before its sunset on {plan.sunset}."
            findings.add("SUNSET_SHORTENED", DEPRECATIONS, 1, detail)


def _problems(plan: Deprecation, versions: Versions, owners: Mapping[str, Owner], settings: Settings) -> list[str]:
    if plan.contract not in versions:
        return [f"There is no contract {plan.contract}: write orders.OrderPlaced, apis/shop or webhooks/github/push."]
    known = [str(one.version) for one in versions[plan.contract]]
    return problems(plan, known, owners, settings.contracts.sunset_notice_days)
