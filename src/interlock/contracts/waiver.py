"""Waivers: findings that somebody has accepted for a time, with a reason, read from the text of waivers.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from interlock.contracts.comparison import ChangeFinding, Comparison

_HEADER = re.compile(r"^\s*\[\[\s*waiver\s*\]\]")
_POSITION = re.compile(r"at line (\d+)")
_RULE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*|[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_TEXTS = ("rule", "place", "reason", "owner")
_EXAMPLE = "Write [[waiver]] with rule, place, reason, owner (texts) and expires = 2027-01-31 (a date, no quotes)."


@dataclass(frozen=True, slots=True)
class Waiver:
    """One table `[[waiver]]`.

    place    path of a file in the estate, or `path#/pointer`, which covers what lies beneath too; `*` stands for any
             characters
    expires  the last day on which it holds
    line     of its header in waivers.toml
    """

    rule: str
    place: str
    reason: str
    owner: str
    expires: date
    line: int

    def covers(self, rule: str, file: str, pointer: str) -> bool:
        """Whatever the day."""
        wanted, _, beneath = self.place.partition("#")
        if rule != self.rule or not _matches(file, wanted):
            return False
        return not beneath or _matches(pointer, beneath) or _matches(pointer, beneath + "/*")

    def expired(self, today: date) -> bool:
        return today > self.expires


@dataclass(frozen=True, slots=True)
class WaiverMistake:
    """Why a table of the file waives nothing."""

    line: int
    detail: str


class Waivers:
    """All waivers of an estate. Remembers which were needed, so that the others can be taken out."""

    def __init__(self, waivers: Iterable[Waiver] = (), mistakes: Iterable[WaiverMistake] = ()) -> None:
        self.all = tuple(waivers)
        self.mistakes = tuple(mistakes)
        self._used: set[Waiver] = set()

    @classmethod
    def parse(cls, text: str) -> Waivers:
        """Good tables become waivers, the others mistakes. Never raises."""
        try:
            document = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            position = _POSITION.search(str(error))
            line = int(position.group(1)) if position else text.count("\n") + 1
            return cls((), [WaiverMistake(line, f"The TOML is wrong: {error}.")])
        tables = document.pop("waiver", [])
        mistakes = [WaiverMistake(1, f"{name} is not known here. {_EXAMPLE}") for name in document]
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            return cls((), [*mistakes, WaiverMistake(1, f"waiver is no list of tables. {_EXAMPLE}")])
        lines = [number for number, row in enumerate(text.split("\n"), 1) if _HEADER.match(row)]
        lines += [1] * (len(tables) - len(lines))  # waiver = [{…}]: inline tables
        waivers = []
        for table, line in zip(tables, lines, strict=False):
            problem = _mistake(table)
            if problem is None:
                waivers.append(Waiver(**table, line=line))
            else:
                mistakes.append(WaiverMistake(line, problem))
        return cls(waivers, mistakes)

    def covering(self, rule: str, file: str, pointer: str, today: date | None) -> Waiver | None:
        """The waiver that covers a finding, which thereby counts as used. With no day given none has expired."""
        for waiver in self.all:
            if waiver.covers(rule, file, pointer) and not (today and waiver.expired(today)):
                self._used.add(waiver)
                return waiver
        return None

    def expired(self, today: date) -> tuple[Waiver, ...]:
        return tuple(waiver for waiver in self.all if waiver.expired(today))

    def unused(self) -> tuple[Waiver, ...]:
        """Those that `covering` has never answered."""
        return tuple(waiver for waiver in self.all if waiver not in self._used)


def waived(comparison: Comparison, file: str, waivers: Waivers, today: date | None) -> Comparison:
    """A change that a waiver covers by the diff's own rule id no longer counts."""
    marked = tuple(_marked(one, file, waivers, today) for one in comparison.findings)
    if marked == comparison.findings:
        return comparison
    left = {one.effect for one in marked if one.severity == "ERR" and one.waived is None}
    if left:
        verdict = "breaking" if "breaking" in left else "undecided"
        return msgspec.structs.replace(comparison, findings=marked, verdict=verdict)
    return msgspec.structs.replace(comparison, findings=marked, verdict="compatible", level="minor")


def _mistake(table: dict[str, Any]) -> str | None:
    """What is wrong with a table."""
    lacking = [name for name in _TEXTS if not isinstance(table.get(name), str) or not table[name].strip()]
    expires = table.get("expires")
    if not isinstance(expires, date) or isinstance(expires, datetime):
        lacking.append("expires")
    if lacking:
        return f"The waiver has no {', no '.join(lacking)}. {_EXAMPLE}"
    unknown = sorted(table.keys() - {*_TEXTS, "expires"})
    if unknown:
        return f"A waiver has no {unknown[0]}. {_EXAMPLE}"
    if not _RULE.fullmatch(table["rule"]):
        return f"The waiver's rule is no rule's id: \"{table['rule']}\". One waiver names one rule."
    return None


def _matches(text: str, pattern: str) -> bool:
    """`*` alone is special: brackets and question marks are plain characters in paths and pointers."""
    return fnmatchcase(text, re.sub(r"([\[?])", r"[\1]", pattern))


def _marked(finding: ChangeFinding, file: str, waivers: Waivers, today: date | None) -> ChangeFinding:
    waiver = waivers.covering(finding.rule, file, finding.path, today) if finding.severity == "ERR" else None
    return finding if waiver is None else msgspec.structs.replace(finding, waived=waiver.reason)
