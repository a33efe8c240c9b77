"""Patterns as regular languages: is there a text that matches these and not those, and which?

Each pattern becomes a non-deterministic automaton over classes of characters; the product of their subset automata is
searched breadth first, so the answer is a shortest text, or the proof that there is none. ECMA-262 semantics as
JSON Schema asks (2020-12 core, section 6.4): unanchored, `\\d` and `\\w` ASCII. Look-around,
back-references, flags: refused.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

MAX_STATES = 10_000
# Moves looked at in one search: some tenths of a second.
MAX_WORK = 300_000
MAX_NODES = 20_000
MAX_PATTERN = 2000
LAST = 0x10FFFF
Ranges = tuple[tuple[int, int], ...]
_DIGIT: Ranges = ((48, 57),)
_WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE: Ranges = (
    (9, 13), (32, 32), (160, 160), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
    (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF),
)  # fmt: skip
# What a person would write first, where a class of characters leaves the choice.
_PREFERRED = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-_ .:/@+"


class LanguageUnknown(Exception):
    """The pattern is beyond regular languages, or the search beyond its budget. Nothing was decided."""


@dataclass(eq=False)
class Automaton:
    """Edges per node: by characters, free, at the beginning only, at the end only. Node 0 begins, `accept` ends."""

    moves: list[list[tuple[Ranges, int]]] = field(default_factory=lambda: [[]])
    free: list[list[int]] = field(default_factory=lambda: [[]])
    begin: list[list[int]] = field(default_factory=lambda: [[]])
    end: list[list[int]] = field(default_factory=lambda: [[]])
    accept: int = 0

    def node(self) -> int:
        if len(self.moves) > MAX_NODES:
            raise LanguageUnknown("the pattern is too large")
        for edges in (self.moves, self.free, self.begin, self.end):
            edges.append([])
        return len(self.moves) - 1

    def closure(self, nodes: Iterable[int], *, begin: bool = False, end: bool = False) -> frozenset[int]:
        seen = set(nodes)
        stack = list(seen)
        while stack:
            at = stack.pop()
            following = self.free[at] + (self.begin[at] if begin else []) + (self.end[at] if end else [])
            for node in following:
                if node not in seen:
                    seen.add(node)
                    stack.append(node)
        return frozenset(seen)

    def step(self, nodes: frozenset[int], character: int) -> frozenset[int]:
        reached = [
            node
            for at in nodes
            for ranges, node in self.moves[at]
            if any(low <= character <= high for low, high in ranges)
        ]
        return self.closure(reached)


@lru_cache(maxsize=2048)
def automaton(pattern: str) -> Automaton:
    """Raises LanguageUnknown."""
    if len(pattern) > MAX_PATTERN:
        raise LanguageUnknown("the pattern is too long")
    try:
        tree = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise LanguageUnknown(str(error)) from None
    if tree.state.flags & ~re.UNICODE.value:
        raise LanguageUnknown("flags are not modelled")
    built = Automaton()
    built.moves[0].append((((0, LAST),), 0))
    first = built.node()
    built.free[0].append(first)
    last = _sequence(built, tree, first)
    built.accept = built.node()
    built.free[last].append(built.accept)
    built.moves[built.accept].append((((0, LAST),), built.accept))
    return built


def _sequence(built: Automaton, tree: Any, at: int) -> int:
    for op, argument in tree:
        at = _one(built, op, argument, at)
    return at


def _one(built: Automaton, op: Any, argument: Any, at: int) -> int:
    after = built.node()
    if op in (ops.LITERAL, ops.NOT_LITERAL, ops.ANY, ops.IN):
        built.moves[at].append((_ranges(op, argument), after))
    elif op is ops.AT and argument in (ops.AT_BEGINNING, ops.AT_BEGINNING_STRING):
        built.begin[at].append(after)
    elif op is ops.AT and argument is ops.AT_END:
        built.end[at].append(after)
    elif op is ops.SUBPATTERN and not argument[1] and not argument[2]:
        built.free[_sequence(built, argument[3], at)].append(after)
    elif op is ops.BRANCH:
        for branch in argument[1]:
            first = built.node()
            built.free[at].append(first)
            built.free[_sequence(built, branch, first)].append(after)
    elif op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        _repeat(built, argument, at, after)
    else:
        raise LanguageUnknown(f"{op} is beyond regular languages")
    return after


def _repeat(built: Automaton, argument: Any, at: int, after: int) -> None:
    low, high, body = argument
    for _ in range(low):
        at = _sequence(built, body, at)
    if high is ops.MAXREPEAT:
        loop = built.node()
        built.free[at].append(loop)
        built.free[_sequence(built, body, loop)].append(loop)
        built.free[loop].append(after)
        return
    for _ in range(high - low):
        built.free[at].append(after)
        at = _sequence(built, body, at)
    built.free[at].append(after)


def _ranges(op: Any, argument: Any) -> Ranges:
    if op is ops.LITERAL:
        return ((argument, argument),)
    if op is ops.NOT_LITERAL:
        return _without(((argument, argument),))
    if op is ops.ANY:
        return _without(((10, 10), (13, 13), (0x2028, 0x2029)))
    found: list[tuple[int, int]] = []
    negated = False
    for kind, value in argument:
        if kind is ops.NEGATE:
            negated = True
        elif kind is ops.LITERAL:
            found.append((value, value))
        elif kind is ops.RANGE:
            found.append(value)
        else:
            found.extend(_category(value))
    return _without(tuple(found)) if negated else tuple(found)


def _category(value: Any) -> Ranges:
    known = {
        ops.CATEGORY_DIGIT: _DIGIT,
        ops.CATEGORY_WORD: _WORD,
        ops.CATEGORY_SPACE: _SPACE,
        ops.CATEGORY_NOT_DIGIT: _without(_DIGIT),
        ops.CATEGORY_NOT_WORD: _without(_WORD),
        ops.CATEGORY_NOT_SPACE: _without(_SPACE),
    }
    if value not in known:
        raise LanguageUnknown(f"{value} is not modelled")
    return known[value]


def _without(ranges: Ranges) -> Ranges:
    kept: list[tuple[int, int]] = []
    start = 0
    for low, high in sorted(ranges):
        if low > start:
            kept.append((start, low - 1))
        start = max(start, high + 1)
    if start <= LAST:
        kept.append((start, LAST))
    return tuple(kept)


def one_of(values: Sequence[Any]) -> str | None:
    """A pattern that the texts among these values match, and nothing else; None when there are none, or many."""
    choice = "|".join(re.escape(one) for one in values if isinstance(one, str))
    return f"^(?:{choice})$" if choice and len(choice) < MAX_PATTERN else None


def find(
    match: Sequence[str] = (),
    avoid: Sequence[str] = (),
    *,
    min_length: int = 0,
    max_length: int | None = None,
    max_states: int = MAX_STATES,
) -> str | None:
    """A shortest text that matches all of `match`, none of `avoid`, in these bounds of length (code points), or None.

    None is a proof. Raises LanguageUnknown when a pattern is not regular or the search grows beyond `max_states`.
    """
    if max_length is not None and max_length < min_length:
        return None
    if min_length > 5000:
        raise LanguageUnknown("the text would be too long")
    found = _asked(tuple(match), tuple(avoid), min_length, max_length, max_states)
    if isinstance(found, LanguageUnknown):
        raise found
    return found


@lru_cache(maxsize=20_000)
def _asked(
    match: tuple[str, ...], avoid: tuple[str, ...], min_length: int, max_length: int | None, max_states: int
) -> str | LanguageUnknown | None:
    """A failure is kept, too: it was the most expensive answer."""
    try:
        return _search(match, avoid, min_length, max_length, max_states)
    except LanguageUnknown as unknown:
        return unknown.with_traceback(None)


def _search(
    match: tuple[str, ...], avoid: tuple[str, ...], min_length: int, max_length: int | None, max_states: int
) -> str | None:
    wanted = [automaton(pattern) for pattern in match]
    unwanted = [automaton(pattern) for pattern in avoid]
    both = wanted + unwanted
    symbols = _symbols(both)
    first = tuple(one.closure((0,), begin=True) for one in both)
    queue: deque[tuple[tuple[frozenset[int], ...], str]] = deque([(first, "")])
    seen = {(first, 0)}
    work = 0
    while queue:
        state, text = queue.popleft()
        if len(text) >= min_length and _accepted(both, len(wanted), state, empty=not text):
            return text
        if max_length is not None and len(text) >= max_length:
            continue
        for symbol in symbols:
            work += sum(map(len, state))
            if work > MAX_WORK:
                raise LanguageUnknown("the patterns take too long")
            reached = tuple(one.step(nodes, symbol) for one, nodes in zip(both, state, strict=True))
            if not all(reached[: len(wanted)]):
                continue
            # Where a maximum is, breadth first reaches each state by its shortest text first.
            key = (reached, min(len(text) + 1, min_length))
            if key not in seen:
                if len(seen) > max_states:
                    raise LanguageUnknown("the patterns have too many states")
                seen.add(key)
                queue.append((reached, text + chr(symbol)))
    return None


def _accepted(both: list[Automaton], wanted: int, state: tuple[frozenset[int], ...], *, empty: bool) -> bool:
    for index, (one, nodes) in enumerate(zip(both, state, strict=True)):
        matches = one.accept in one.closure(nodes, begin=empty, end=True)
        if matches != (index < wanted):
            return False
    return True


def _symbols(both: list[Automaton]) -> list[int]:
    """One character of every class that the patterns tell apart, the readable ones first."""
    cuts = {0, 0xD800, 0xE000, LAST + 1}
    for one in both:
        for moves in one.moves:
            for ranges, _ in moves:
                for low, high in ranges:
                    cuts.update((low, high + 1))
    bounds = sorted(cuts)
    chosen = [_chosen(low, high - 1) for low, high in pairwise(bounds)]
    readable = [one for one in chosen if one is not None]
    if len(readable) > 400:
        raise LanguageUnknown("the patterns tell too many characters apart")
    return sorted(readable, key=_rank)


def _chosen(low: int, high: int) -> int | None:
    if low >= 0xD800 and high <= 0xDFFF:
        return None  # surrogates are no characters
    inside = [ord(one) for one in _PREFERRED if low <= ord(one) <= high]
    return inside[0] if inside else low if low > 31 else high


def _rank(character: int) -> tuple[int, int]:
    place = _PREFERRED.find(chr(character))
    return (0, place) if place >= 0 else (1, character)
