"""The store and the handlers work at the same time: what a flow may have in flight is committed in halves."""

from __future__ import annotations

from typing import Any

from flows.conftest import Bench
from flows.shop import OrderPlaced
from interlock import Context, Flow

WINDOW = 64


async def test_handlers_run_on_while_half_of_the_window_is_being_committed(bench: Bench) -> None:
    flow = Flow("half", owner="team-a")
    ran: list[str] = []

    @flow.on(OrderPlaced)
    async def note(order: OrderPlaced, ctx: Context) -> None:
        ran.append(order.order_id)

    await bench.run(flow, in_flight=WINDOW)
    submit, held = bench.store.submit, list[tuple[Any, Any]]()
    bench.store.submit = lambda commit, done: held.append((commit, done))  # type: ignore[method-assign]
    bench.producer.place_together([f"O-{number}" for number in range(WINDOW)])
    await bench.until(lambda: len(ran) == WINDOW)
    commits = [commit for commit, _ in held if commit.steps]
    assert len(commits) == 1
    assert WINDOW / 2 <= len(commits[0].steps) < WINDOW
    bench.store.submit = submit  # type: ignore[method-assign]
    for commit, done in held:
        submit(commit, done)
    await bench.until(lambda: bench.engine is not None and bench.engine.idle)
    assert (await bench.sums())["half"].done == WINDOW
