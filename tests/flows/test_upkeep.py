"""What is known here is tended also while the store does not answer."""

from __future__ import annotations

from flows.members import Fleet
from flows.shop import OrderPlaced
from interlock import Context, Flow
from interlock.flows.refusal_commits import RefusalCommits
from interlock.model.record import RefusalRow
from interlock.testing.fake_clock import FakeClock, settle


def refused(number: int) -> RefusalRow:
    return RefusalRow(0, f"code-{number}", "orders.OrderPlaced@1", "shop", "/n", 1, 0, 0)


async def test_the_watchdog_looks_while_the_store_hangs() -> None:
    flow = Flow("story", owner="team")

    @flow.on(OrderPlaced)
    async def handle(placed: OrderPlaced, ctx: Context) -> None:
        ctx.put("story", placed.order_id, placed.n)

    fleet = Fleet(flow)
    mate = await fleet.join()
    waiting = [refused(1)]
    mate.engine.take_refusals = lambda: [waiting.pop()] if waiting else []
    fleet.producer.place("a", 1)
    await settle(20)
    mate.view.pause()  # it takes commits and questions, and answers none
    await fleet.clock.advance(301)
    assert {name for name, _ in mate.engine.watchdog.stuck} == {"story"}
    assert mate.engine.lag == 0, "known of the store, so as it was"
    mate.view.go_on()
    await fleet.clock.advance(5)
    assert not mate.engine.watchdog.stuck
    assert not waiting
    await fleet.kill(mate)


class Slow:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.commits: list[tuple[object, object]] = []

    def submit(self, commit: object, done: object) -> None:
        self.commits.append((commit, done))


async def test_refusals_have_one_commit_under_way_and_none_is_lost_by_a_failure() -> None:
    store, counted = Slow(), [refused(1)]

    def take() -> list[RefusalRow]:
        taken, counted[:] = counted[:], []
        return taken

    refusals = RefusalCommits(store, FakeClock(), take)  # type: ignore[arg-type]
    for number in range(2, 6):
        refusals.flush(1)
        counted.append(refused(number))
    assert len(store.commits) == 1
    assert len(counted) == 4, "left where they are counted, which is bounded"
    store.commits[0][1](None, ValueError("away"))  # type: ignore[operator]
    refusals.flush(1)
    assert [row.code for row in store.commits[1][0].refusals] == [f"code-{n}" for n in range(1, 6)]  # type: ignore[attr-defined]


async def test_the_last_flush_waits_no_longer_than_it_may() -> None:
    import asyncio

    store, clock = Slow(), FakeClock()
    refusals = RefusalCommits(store, clock, lambda: [refused(1)])  # type: ignore[arg-type]
    ending = asyncio.create_task(refusals.finish(1, 2.0))
    await clock.advance(1.9)
    assert not ending.done()
    await clock.advance(0.2)
    await settle()
    assert ending.done()
