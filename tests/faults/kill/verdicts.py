"""The questions asked after a campaign."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from stores import Backing

from interlock.testing.checker import Verdict, alike, equal, in_order, once, one_value, sent
from interlock.testing.history import History

from .clients import ENTRY, TRANSFER
from .effects import Arrival
from .evidence import BOOKED, Evidence, all_of, not_found_by_reader

LOOKED_UP = 100


async def verdicts(
    history: History,
    found: Evidence,
    arrivals: Sequence[Arrival],
    status: dict[str, Any],
    store: Backing,
    chance: random.Random,
) -> list[Verdict]:
    certain = sorted(sent(history, ENTRY).certain)
    missed = await not_found_by_reader(store, chance.sample(certain, min(LOOKED_UP, len(certain))))
    return [
        once("accepted events are in the log", sent(history, ENTRY), ids(found, "ledger.EntryPosted")),
        Verdict("the reader finds accepted events", min(LOOKED_UP, len(certain)), lost=tuple(missed)),
        once("an emitted event is published once", all_of(found.published), found.published),
        *_handled(history, found),
        *_outside(found, arrivals),
        *_transfers(history, found),
        equal(
            "the books balance and nothing is left over",
            {"settled": True, "balanced": True, "dead_letters": 0},
            {name: status[name] for name in ("settled", "balanced", "dead_letters")},
        ),
    ]


def ids(found: Evidence, event_type: str) -> list[str]:
    return [event.id for event in found.events.get(event_type, [])]


def _handled(history: History, found: Evidence) -> list[Verdict]:
    """Against the log: the first verdict has compared the log with what the clients know."""
    entries = found.entries
    there = all_of(entries)
    recorded = found.events.get("ledger.EntryRecorded", [])
    amount = sum(body["amount"] for body in entries.values())
    return [
        in_order("entries are recorded in order", history, ENTRY, there, found.lists["recorded"]),
        in_order("recorded entries are audited in order", history, ENTRY, there, found.lists["audited"]),
        once("one fact is emitted for each entry", there, [str(event.causation) for event in recorded]),
        equal(
            "counters equal the distinct entries",
            {"entries": len(entries), "amount": amount},
            {name: found.totals[name] for name in ("entries", "amount")},
        ),
    ]


def _outside(found: Evidence, arrivals: Sequence[Arrival]) -> list[Verdict]:
    """An effect is an Idempotency-Key that arrived: the target dedupes repeated arrivals of one key."""
    wanted = found.outside
    effects = {arrival.idempotency_key: arrival.entry_id for arrival in arrivals}
    replies = found.bodies(BOOKED)
    return [
        once("each outside effect happens once", all_of(wanted), effects.values()),
        one_value("a key always carries the same call", [(one.idempotency_key, one[1:]) for one in arrivals]),
        once("each outside call has one reply", all_of(wanted), [reply["request"]["entry_id"] for reply in replies]),
        equal(
            "counters equal the replies",
            {"booked": len(wanted), "booked amount": sum(wanted.values())},
            {name: found.totals[name] for name in ("booked", "booked amount")},
        ),
    ]


def _transfers(history: History, found: Evidence) -> list[Verdict]:
    """Every request was sent until it was answered: with a number, or with a refusal, after which nothing may show."""
    made = found.bodies("ledger.TransferMade")
    bodies = {op.id: op.data for op in history if op.act == TRANSFER and op.phase == "invoke"}
    told = {op.id: op.data for op in history if op.act == TRANSFER and op.phase == "ok"}
    answers = {name: data["number"] for name, data in told.items() if "number" in data}
    balances: Counter[str] = Counter()
    for fact in made:
        body = bodies.get(fact["transfer_id"], {"debit": "?", "credit": "?", "amount": 0})
        balances[body["debit"]] -= body["amount"]
        balances[body["credit"]] += body["amount"]
    return [
        once("each keyed request happens once", all_of(answers), [fact["transfer_id"] for fact in made]),
        alike("keyed requests are answered alike, also after restarts", history, TRANSFER),
        one_value("a transfer has its own number", [(fact["transfer_id"], fact["number"]) for fact in made]),
        equal("answers tell what was committed", answers, {fact["transfer_id"]: fact["number"] for fact in made}),
        equal(
            "transfers are counted once",
            {"sequence": len(made), "handled": len(made)},
            {"sequence": found.transfers, "handled": found.totals["transfers"]},
        ),
        equal("balances are the sums of the transfers", {n: v for n, v in balances.items() if v}, _nonzero(found)),
    ]


def _nonzero(found: Evidence) -> dict[str, int]:
    return {name: value for name, value in found.balances.items() if value}
