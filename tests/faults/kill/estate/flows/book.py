"""Keeps each account's entries in order, and fails at random so that keys are parked when the kill comes."""

import asyncio
import random

from interlock import Context, Flow, Reply, RetrySchedule

from estate.contracts.ledger import EntryPosted, EntryRecorded

RETRIES = RetrySchedule((0.02, 0.05, 0.1, 0.2, 0.5, 1, 1, 1, 1, 1, 1, 1))

book = Flow("book", owner="team-faults", retry=RETRIES)
audit = Flow("audit", owner="team-faults", retry=RETRIES)


async def falter() -> None:
    """Sometimes slow, sometimes down."""
    chance = random.random()
    if chance < 0.15:
        await asyncio.sleep(chance / 10)
    if chance < 0.04:
        raise ConnectionError("down on purpose")


@book.on(EntryPosted)
async def record(entry: EntryPosted, ctx: Context) -> None:
    await falter()
    before = await ctx.get("recorded", entry.account) or []
    ctx.put("recorded", entry.account, [*before, entry.entry_id])
    ctx.counter("totals", "entries").add(1)
    ctx.counter("totals", "amount").add(entry.amount)
    ctx.emit(EntryRecorded(entry_id=entry.entry_id, account=entry.account))
    if entry.outside:
        ctx.call("registry.book", entry_id=entry.entry_id, amount=entry.amount)


@book.on_reply("registry.book")
async def note_booking(reply: Reply, ctx: Context) -> None:
    await falter()
    ctx.counter("totals", "booked").add(1)
    ctx.counter("totals", "booked amount").add(reply.request["amount"])


@audit.on(EntryRecorded)
async def audit_entry(entry: EntryRecorded, ctx: Context) -> None:
    await falter()
    before = await ctx.get("audited", entry.account) or []
    ctx.put("audited", entry.account, [*before, entry.entry_id])
