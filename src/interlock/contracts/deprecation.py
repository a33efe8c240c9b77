"""Deprecations: when a major version of a contract ends, why, and where to go; read from deprecations.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

NONE = "none"
_HEADER = re.compile(r"^\s*\[\[\s*deprecation\s*\]\]")
_POSITION = re.compile(r"at line (\d+)")
_LINK = re.compile(r"https?://[!-~]+")
_TEXTS = ("contract", "successor", "contact", "reason")
_DATES = ("deprecated", "sunset")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deprecation:
    """One table `[[deprecation]]`.

    contract    as people name it: orders.OrderPlaced, apis/shop, webhooks/github/push
    deprecated  from when on nobody should begin to use this major; sunset: from when on it may be gone
    successor   the version to go to, or "none" where the contract ends
    contact     an owner of owners.toml
    link        a page for readers, or ""
    line        of its header in deprecations.toml
    """

    contract: str
    major: int
    deprecated: date
    sunset: date
    successor: str
    contact: str
    reason: str
    link: str = ""
    line: int = 1


@dataclass(frozen=True, slots=True)
class DeprecationMistake:
    """What a table lacks. `contract` and `major` are its own where it has them: such a plan exists, incomplete."""

    line: int
    detail: str
    contract: str = ""
    major: int = 0


def parse(text: str) -> tuple[list[Deprecation], list[DeprecationMistake]]:
    """The whole tables, and what is wrong with the others. Never raises."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        position = _POSITION.search(str(error))
        line = int(position.group(1)) if position else text.count("\n") + 1
        return [], [DeprecationMistake(line, f"The TOML is wrong: {error}.")]
    tables = document.pop("deprecation", [])
    mistakes = [DeprecationMistake(1, f"{name} is not known here: write [[deprecation]] tables.") for name in document]
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        return [], [*mistakes, DeprecationMistake(1, "deprecation is no list of tables: write [[deprecation]].")]
    lines = [number for number, row in enumerate(text.split("\n"), 1) if _HEADER.match(row)]
    lines += [1] * (len(tables) - len(lines))  # deprecation = [{…}]: inline tables
    found = []
    for table, line in zip(tables, lines, strict=False):
        problem = _mistake(table)
        if problem is None:
            found.append(Deprecation(**table, line=line))
        else:
            mistakes.append(DeprecationMistake(line, problem, *_named(table)))
    return found, mistakes


def problems(plan: Deprecation, versions: Iterable[str], owners: Iterable[str], notice_days: int) -> list[str]:
    """What is wrong with a whole plan, given all versions of its contract, in sentences."""
    known = {version: int(version.partition(".")[0]) for version in versions}
    said = []
    if plan.major not in known.values():
        said.append(f"There is no {plan.contract} {plan.major}.x.")
    if plan.successor != NONE and known.get(plan.successor, 0) <= plan.major:
        said.append(
            f'The successor {plan.successor} is no later major version of {plan.contract}; "none" says that it ends.'
        )
    if plan.contact not in owners:
        said.append(f"The contact {plan.contact} is not in owners.toml.")
    if plan.sunset < plan.deprecated:
        said.append(f"The sunset {plan.sunset} comes before the deprecation {plan.deprecated}.")
    elif (plan.sunset - plan.deprecated).days < notice_days:
        days = (plan.sunset - plan.deprecated).days
        said.append(
            f"From {plan.deprecated} to {plan.sunset} are {days} days; contracts.sunset_notice_days asks {notice_days}."
        )
    return said


def _mistake(table: dict[str, Any]) -> str | None:
    """All that is wrong with a table."""
    said = [f"It has no {name}, a text." for name in _TEXTS if not _is_text(table.get(name))]
    for name in _DATES:
        if not isinstance(table.get(name), date) or isinstance(table[name], datetime):
            said.append(f"It has no {name}, a date such as 2027-06-01 without quotes.")
    major = table.get("major")
    if not isinstance(major, int) or isinstance(major, bool) or major < 1:
        said.append("It has no major, a whole number from 1.")
    link = table.get("link", "")
    if not isinstance(link, str) or (link and not (_LINK.fullmatch(link) and not set('<>"') & set(link))):
        said.append("Its link is no http or https address.")
    said += [f"A deprecation has no {name}." for name in sorted(table.keys() - {*_TEXTS, *_DATES, "major", "link"})]
    return " ".join(["The deprecation is not whole.", *said]) if said else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _named(table: dict[str, Any]) -> tuple[str, int]:
    contract, major = table.get("contract"), table.get("major")
    return (contract if isinstance(contract, str) else "", major if isinstance(major, int) else 0)
