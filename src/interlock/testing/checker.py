"""Verdicts on a history: what was promised to clients, compared with what is there in the end.

An operation that was acknowledged must show exactly once; one that was sent, and whose answer never came, may show
once or not at all; nothing else may show. Pure functions, so that the checker itself can be tested with lies.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from interlock.testing.history import History

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Sent:
    """certain: acknowledged, so it must be there. possible: never answered, so it may be there."""

    certain: frozenset[str]
    possible: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Verdict:
    """One question and its answer; valid when nothing is named. `recovered` counts what is there, though unanswered.

    lost        must be there, is not
    unexpected  is there, and nobody sent it
    doubled     is there more than once
    reordered   stands behind one that was sent later
    unlike      has two values that should be one: what, then both
    """

    question: str
    checked: int
    recovered: int = 0
    lost: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    reordered: tuple[str, ...] = ()
    unlike: tuple[tuple[str, Any, Any], ...] = ()

    @property
    def valid(self) -> bool:
        return not (self.lost or self.unexpected or self.doubled or self.reordered or self.unlike)

    def __str__(self) -> str:
        if self.valid:
            return f"{self.question}: {self.checked} as promised, {self.recovered} of them never answered"
        faults = {name: getattr(self, name) for name in ("lost", "unexpected", "doubled", "reordered", "unlike")}
        told = [f"{len(found)} {name}: {list(found[:SHOWN])}" for name, found in faults.items() if found]
        return f"{self.question}: {'; '.join(told)}"


def sent(history: History, act: str) -> Sent:
    """What clients may rely on, of one kind of operation."""
    ids: defaultdict[str, set[str]] = defaultdict(set)
    for op in history:
        if op.act == act:
            ids[op.phase].add(op.id)
    return Sent(frozenset(ids["ok"]), frozenset(ids["invoke"] - ids["ok"] - ids["fail"]))


def once(question: str, expected: Sent, found: Iterable[str]) -> Verdict:
    """Everything certain exactly once, everything possible at most once, nothing else."""
    counts = Counter(found)
    return Verdict(
        question,
        len(counts),
        len(expected.possible & counts.keys()),
        lost=tuple(sorted(expected.certain - counts.keys())),
        unexpected=tuple(sorted(counts.keys() - expected.certain - expected.possible)),
        doubled=tuple(sorted(name for name, count in counts.items() if count > 1)),
    )


def in_order(question: str, history: History, act: str, expected: Sent, found: Mapping[str, Sequence[str]]) -> Verdict:
    """As `once`, over all lines; and within each line in the order in which the operations were first sent."""
    ranks: dict[tuple[str, str], int] = {}
    for op in history:
        if op.act == act and op.phase == "invoke":
            ranks.setdefault((op.line, op.id), len(ranks))
    verdict = once(question, expected, [name for names in found.values() for name in names])
    astray = [name for line, names in found.items() for name in names if (line, name) not in ranks]
    reordered = [
        names[place]
        for line, names in found.items()
        for place in behind([ranks.get((line, name), -1) for name in names])
    ]
    unexpected = tuple(sorted({*verdict.unexpected, *astray}))
    return Verdict(
        question, verdict.checked, verdict.recovered, verdict.lost, unexpected, verdict.doubled, tuple(reordered)
    )


def behind(ranks: Sequence[int]) -> list[int]:
    """The places of those that stand behind a higher one."""
    highest = list(accumulate(ranks, max))
    return [place for place, rank in enumerate(ranks) if rank < highest[place]]


def alike(question: str, history: History, act: str) -> Verdict:
    """Every answer to one operation equals its first one."""
    answers: dict[str, Any] = {}
    unlike = []
    for op in history:
        if op.act == act and op.phase == "ok" and answers.setdefault(op.id, op.data) != op.data:
            unlike.append((op.id, answers[op.id], op.data))
    return Verdict(question, len(answers), unlike=tuple(unlike))


def equal(question: str, expected: Mapping[str, Any], found: Mapping[str, Any]) -> Verdict:
    """Name by name, the same values."""
    names = sorted({*expected, *found})
    differing = [(name, expected.get(name), found.get(name)) for name in names if expected.get(name) != found.get(name)]
    return Verdict(question, len(names), unlike=tuple(differing))


def one_value(question: str, pairs: Iterable[tuple[str, Hashable]]) -> Verdict:
    """Each name has one value, and no two names share one."""
    values: defaultdict[str, set[Hashable]] = defaultdict(set)
    names: defaultdict[Hashable, set[str]] = defaultdict(set)
    for name, value in pairs:
        values[name].add(value)
        names[value].add(name)
    doubled = tuple(sorted(name for name, found in values.items() if len(found) > 1))
    shared = tuple((str(value), min(found), max(found)) for value, found in names.items() if len(found) > 1)
    return Verdict(question, len(values), doubled=doubled, unlike=shared)
