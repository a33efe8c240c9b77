"""What `interlock doctor` looks at, and what it found: each back end keeps its own table of checks."""

from __future__ import annotations

from typing import Literal, NamedTuple

# ok: the promise is kept here. warn: it is kept now, and something is about to change that, or narrows it.
# broken: it does not hold, or the engine refuses to start because it would not. unknown: this place cannot tell.
Verdict = Literal["ok", "warn", "broken", "unknown"]


class Finding(NamedTuple):
    """`said` are plain sentences: what is so, and what follows for the promise. `next_step` is empty when ok."""

    check: str
    verdict: Verdict
    promise: str
    said: str
    next_step: str


class Check(NamedTuple):
    """A row of a table. `promise` is a heading of docs/explanation/promises.md; `fix` is the usual next step."""

    id: str
    looks_at: str
    promise: str
    fix: str

    def ok(self, said: str) -> Finding:
        return Finding(self.id, "ok", self.promise, said, "")

    def warn(self, said: str, fix: str = "") -> Finding:
        return Finding(self.id, "warn", self.promise, said, fix or self.fix)

    def broken(self, said: str, fix: str = "") -> Finding:
        return Finding(self.id, "broken", self.promise, said, fix or self.fix)

    def unknown(self, said: str, fix: str = "") -> Finding:
        return Finding(self.id, "unknown", self.promise, said, fix or self.fix)


DURABLE = "Accepted is durable"
INSIDE_ONCE = "Effects inside happen once"
OUTSIDE_ONCE = "Effects outside happen once where the target dedupes"
RESEND = "A resend is recognised"
ORDER = "Order per key, also through retries"
NOTHING_DROPPED = "Nothing is dropped"
FINAL = "Final states are final"
BOUNDED = "Memory is bounded"
CLEAR_ERROR = "Faults end in a clear error"
NO_PAYLOAD = "The record holds no payload"

SKEW_LIMIT_US = 1_000_000
PARKED_LONG_US = 600_000_000
# Of every store that holds parked events; each looks by itself, since only it knows its rows.
PARKED = Check(
    "RECORD_PARKED", "keys whose events wait for a retry, and since when", ORDER,
    "See what fails: interlock status, then interlock why with the event's id.",
)  # fmt: skip


def parked_finding(found: tuple[int, int, int | None], now_us: int) -> Finding:
    """`found` are how many keys, how many events, and when the first of them was parked."""
    keys, events, oldest_us = found
    if not events or oldest_us is None:
        return PARKED.ok("No event is parked.")
    age_us = max(0, now_us - oldest_us)
    told = f"{events:,} events of {keys:,} keys are parked, the oldest for {age_us / 1_000_000:,.0f} seconds"
    if age_us > PARKED_LONG_US:
        return PARKED.warn(f"{told}: what it needs fails again and again, and its key's later events wait.")
    return PARKED.ok(f"{told}: they are tried again, in order.")


def skew_finding(check: Check, server: str, server_us: int, before_us: int, after_us: int) -> Finding:
    """Of a server's clock that was read between two looks at ours. Half the time between them is the bound."""
    off, bound = server_us - (before_us + after_us) // 2, (after_us - before_us) // 2 + 1
    told = f"{server}'s clock and ours differ by {abs(off) / 1000:,.0f} ms, give or take {bound / 1000:,.1f} ms"
    if abs(off) - bound > SKEW_LIMIT_US:
        way = "behind" if off > 0 else "ahead of"
        return check.warn(
            f"{told}: ours is {way} it. Order and leases do not depend on it; schedules, retry times, the "
            "buckets that recognise a resend, and all times in the record do."
        )
    return check.ok(f"{told}.")
