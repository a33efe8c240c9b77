"""Whatever an engine can get wrong shows here: order, sums that everybody shares, calls, schedules, dead letters."""

from __future__ import annotations

from typing import Any

from interlock import Context, Flow, Reply, RetrySchedule, Tick

from estate.contracts.probe import Echoed, Noted

RETRY = RetrySchedule((0.2, 0.4, 0.8, 1.6, 3.2, 6.4))
SEATS = 5
ledger = Flow("ledger", owner="team-storefront", retry=RETRY)
echoes = Flow("echoes", owner="team-storefront", retry=RETRY)
seats = Flow("seats", owner="team-storefront", retry=RetrySchedule((0.1,)), after_dead_letter="continue")


@ledger.on(Noted)
async def note(noted: Noted, ctx: Context) -> None:
    """Each seventh is refused until somebody redrives it; what follows in its key waits."""
    if noted.n % 7 == 6 and ctx.generation == 0:
        ctx.reject("seventh")
    total = await ctx.get("total", "all") or 0
    line = await ctx.get("lines", noted.key) or []
    ctx.put("total", "all", total + 1)
    ctx.put("lines", noted.key, [*line, noted.n])
    ctx.counter("noted", "all").add(1)
    ctx.emit(Echoed(key=noted.key, n=noted.n))
    ctx.call("bank.post", key=noted.key, n=noted.n)


@ledger.on_reply("bank.post")
async def posted(reply: Reply, ctx: Context) -> None:
    ctx.counter("posted", reply.request["key"]).add(1)


@ledger.every("* * * * *", missed="all")
async def minute(tick: Tick, ctx: Context) -> None:
    ctx.counter("minutes", tick.due).add(1)


@echoes.on(Echoed)
async def echo(echoed: Echoed, ctx: Context) -> None:
    line: list[Any] = await ctx.get("echoed", echoed.key) or []
    ctx.put("echoed", echoed.key, [*line, echoed.n])


@seats.on(Echoed)
async def sit(echoed: Echoed, ctx: Context) -> None:
    ctx.counter("seats", "all").add(1, ceiling=SEATS)
