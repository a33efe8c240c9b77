"""The same seed twice on the memory adapters gives an identical record."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from interlock.model.handling import HandlingState
from interlock.model.record import DeliveryState

from .run import simulate

TESTS = Path(__file__).parents[1]


async def test_the_same_seed_gives_the_same_record_and_another_one_another() -> None:
    first, again, other = await simulate(1), await simulate(1), await simulate(2)
    assert first.record() == again.record()
    assert first.digest() == again.digest() != other.digest()


def test_also_in_another_process_with_another_order_of_sets() -> None:
    def digest(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TESTS)}
        command = [sys.executable, "-m", "simulation.run", "3"]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert len({digest("1"), digest("2"), asyncio.run(simulate(3)).digest() + "\n"}) == 1


async def test_the_simulated_day_is_eventful() -> None:
    """Or the comparison would prove little: every state occurs, calls are repeated, the books balance."""
    simulation = await simulate(1)
    tables = simulation.store.tables
    states = Counter(row.state for row in tables.handlings.values())
    assert {HandlingState.DONE, HandlingState.SKIPPED, HandlingState.DEAD} <= set(states)
    assert len(tables.failures) > 20
    calls = Counter(row.state for row in tables.deliveries.values())
    assert {DeliveryState.SUCCEEDED, DeliveryState.REFUSED, DeliveryState.DEAD} <= set(calls)
    assert DeliveryState.PENDING not in calls
    assert max(simulation.target.seen.values()) > 1
