"""The model of capacity: which of its terms decides, and that orders grow as it says."""

from __future__ import annotations

import sys

import pytest

from bench import machine, order
from bench.capacity import LONG, NARROW, SHORT, WIDE, Constants, predict, share_of_a_core, size_of

CONSTANTS = Constants(worker=50, worker_per_kb=10, server=30, server_per_kb=5, commit=200, flush=100)


@pytest.mark.parametrize(
    ("added_ms", "in_flight", "lines", "rate"),
    [
        (0, WIDE, SHORT, 20_000),  # the core
        (5, WIDE, SHORT, 20_000),  # a slow flush hides behind 512 events
        (5, 128, SHORT, 1e6 / (5_300 / 64 + 30)),  # the chain
        (0, NARROW, SHORT, 1e6 / (50 + 300 + 30)),  # nothing overlaps
        (0, WIDE, LONG, 1e6 / (50 + 10 * (size_of(LONG) - 600) / 1000)),
    ],
)
def test_the_slower_of_core_and_chain_decides(added_ms: int, in_flight: int, lines: int, rate: float) -> None:
    assert predict(CONSTANTS, 1.0, added_ms, in_flight, lines) == pytest.approx(rate)


def test_half_a_core_is_half_as_fast() -> None:
    assert predict(CONSTANTS, 0.5, 0, WIDE, SHORT) == pytest.approx(10_000)
    assert 0 < share_of_a_core(0.05) <= 1.05


@pytest.mark.parametrize("lines", [SHORT, LONG])
def test_an_order_has_the_size_that_the_model_takes(lines: int) -> None:
    script = "from bench import order; print(len(order.event(order.event_id('0' * 11, 0))))"
    found = int(machine.call([sys.executable, "-c", script], env={"BENCH_ORDER_LINES": str(lines)}))
    assert found == pytest.approx(size_of(lines), rel=0.05)
    assert size_of(SHORT) == order.EVENT_BYTES
