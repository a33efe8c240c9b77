"""Three keys, numbers that rise within each; in the end every effect is there once and in order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from interlock import Drill
from interlock.sdk.drill import Chance, End, Fact, Systems

drill = Drill("probe")


@drill.feed
def numbers(chance: Chance) -> Iterator[Fact]:
    for key in ("a", "b", "c"):
        for n in range(chance.randrange(2, 9)):
            yield Fact("probe.Noted", {"key": key, "n": n})


@drill.answer("bank.post")
def post(asked: Mapping[str, Any], systems: Systems) -> tuple[int, Any]:
    return 201, {"entry": len(systems.effects("bank.post"))}


@drill.invariant
def sums_are_those_of_what_was_done(end: End) -> Iterator[str]:
    """The shared sum, the counter and the lines count the same."""
    lines = end.values("lines")
    length = sum(map(len, lines.values()))
    total, counted = end.values("total").get("all", 0), end.counters("noted").get("all", 0)
    if not total == counted == length:
        yield f"{length} numbers stand in the lines, the sum is {total}, the counter {counted}"


@drill.invariant
def lines_rise(end: End) -> Iterator[str]:
    """Each key's numbers are in order, each once."""
    for table in ("lines", "echoed"):
        for key, line in end.values(table).items():
            if line != sorted(set(line)):
                yield f"{table} of {key}: {line}"


@drill.invariant
def calls_are_echoed(end: End) -> Iterator[str]:
    """Each number is posted once, each reply is counted once, and each echo has come."""
    for key, line in end.values("lines").items():
        done = sorted(one.request["n"] for one in end.effects("bank.post") if one.request["key"] == key)
        if done != line:
            yield f"of {key}, {line} was noted and {done} posted"
        replies = end.counters("posted").get(key, 0)
        if replies > len(line) or (replies < len(line) and not end.dead_letters("ledger")):
            yield f"of {key}, {len(line)} were noted and {replies} replies counted"
        if end.values("echoed").get(key, []) != line:
            yield f"of {key}, {line} was noted and {end.values('echoed').get(key)} echoed"


@drill.invariant
def seats_are_bounded(end: End) -> Iterator[str]:
    """No counter leaves its bounds."""
    taken = end.counters("seats").get("all", 0)
    if taken > 5:
        yield f"{taken} of 5 seats are taken"


@drill.invariant
def minutes_tick_once(end: End) -> Iterator[str]:
    """Each due run of the schedule is handled once."""
    for due, times in end.counters("minutes").items():
        if times != 1:
            yield f"{due} ticked {times} times"
