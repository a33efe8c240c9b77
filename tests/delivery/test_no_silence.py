"""A defect of ours stops the deliverer aloud: nothing is forgotten in silence."""

from __future__ import annotations

from typing import Any

from delivery.scripted import Bench, row, settle
from interlock.model.problems import Problem, Unexpected
from interlock.model.record import DeliveryState


async def test_an_outcome_that_cannot_be_committed(bench: Bench) -> None:
    failures: list[Problem] = []
    deliverer = bench.deliverer()
    deliverer.on_failure = failures.append
    await deliverer.start()
    asked = await bench.ask(row(1))

    def submit(commit: Any, done: Any) -> None:
        raise KeyError("table")

    bench.store.submit = submit  # type: ignore[method-assign]
    deliverer.enqueue(asked)
    await settle()
    assert [type(problem) for problem in failures] == [Unexpected]
    assert (await bench.state("d000001")).state is DeliveryState.PENDING


async def test_a_scan_that_breaks(bench: Bench) -> None:
    failures: list[Problem] = []
    deliverer = bench.deliverer()
    deliverer.on_failure = failures.append

    async def pending(*_: Any) -> Any:
        raise KeyError("column")

    bench.store.pending_deliveries = pending  # type: ignore[method-assign]
    await deliverer.start()
    await settle()
    assert [type(problem) for problem in failures] == [Unexpected]
