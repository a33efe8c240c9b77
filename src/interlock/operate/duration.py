"""Durations as a person says them."""

from __future__ import annotations

from collections.abc import Sequence

MOST_LISTED = 3
_STEPS = ((86_400, "day", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s"))


def in_words(duration_us: int) -> str:
    """`3 ms`, `2.4 s`, `35 s`, `4 min 10 s`, `2 h`, `3 days 4 h`: two units at most, the second one cut off."""
    if duration_us < 1_000:
        return "under 1 ms"
    if duration_us < 999_500:
        return f"{round(duration_us / 1_000)} ms"
    tenths = round(duration_us / 100_000)
    if tenths < 100:
        return f"{tenths / 10:g} s"
    seconds = round(duration_us / 1_000_000)
    for size, unit, smaller, smaller_unit in _STEPS:
        if seconds >= size:
            first, rest = divmod(seconds, size)
            second = rest // smaller
            unit += "s" if unit == "day" and first > 1 else ""
            return f"{first} {unit} {second} {smaller_unit}" if second else f"{first} {unit}"
    return f"{seconds} s"


def each_in_words(durations_us: Sequence[int]) -> str:
    """`3 ms`, `3 ms and 2.4 s`, `3 ms, 9 ms and 2.4 s`; of more only the extremes: `3 ms to 2.4 s`."""
    if len(durations_us) > MOST_LISTED:
        shortest, longest = in_words(min(durations_us)), in_words(max(durations_us))
        return shortest if shortest == longest else f"{shortest} to {longest}"
    told = [in_words(duration_us) for duration_us in durations_us]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)
