"""What a simulated store went through, done again on SQLite: each call has the same outcome, the record is the same."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interlock.adapters.memory_tables import Tables
from interlock.adapters.sqlite import SqliteStore
from interlock.model.problems import Problem
from interlock.model.step import Read
from interlock.simulation.campaign import quiet
from interlock.simulation.image import DEDUPE_BUCKET_SECONDS, Image
from interlock.simulation.schedule import PARTITIONS, Schedule
from interlock.simulation.witness import Act

from .test_planted_bugs import scenario


@pytest.mark.parametrize("estate", ["probe", "commerce"])
async def test_the_same_calls_have_the_same_outcomes_on_sqlite(estate: str, tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        image = await asyncio.to_thread(simulated, estate, seed)
        store = await SqliteStore.open(
            tmp_path / f"{seed}.db", partitions=PARTITIONS, dedupe_bucket_seconds=DEDUPE_BUCKET_SECONDS
        )
        versions = Versions()
        for act in image.witness.history:
            assert told(await repeated(store, versions.translated(act))) == told(act.result), act
            await versions.learn(act, store)
        await compare(image, store)
        await store.close()


def simulated(estate: str, seed: int) -> Image:
    """What one owner after the other did, with late arrivals of those that were replaced."""
    alone = replace(scenario(estate), layouts=("alone",))
    with quiet():
        schedule = Schedule(alone, seed)
        assert not schedule.run().failed
    assert len(schedule.image.witness.history) > 40
    return schedule.image


class Versions:
    """Each store counts the versions of values for itself: what a read has seen here is what, there?"""

    def __init__(self) -> None:
        self._tables = Tables(PARTITIONS, DEDUPE_BUCKET_SECONDS)
        self._there: dict[tuple[str, str, int], int] = {}

    def translated(self, act: Act) -> Act:
        if act.call != "submit":
            return act
        (commit,) = act.arguments
        steps = [
            replace(step, result=step.result._replace(reads=self._reads(step.result.reads))) for step in commit.steps
        ]
        return act._replace(arguments=(replace(commit, steps=steps),))

    def _reads(self, reads: tuple[Read, ...]) -> tuple[Read, ...]:
        return tuple(one if not one.version else one._replace(version=self._there[one]) for one in reads)

    async def learn(self, act: Act, store: SqliteStore) -> None:
        """The same call on tables of our own, which count as the simulated ones did."""
        with suppress(Problem):
            getattr(self._tables, "apply" if act.call == "submit" else act.call)(*act.arguments)
        for step in act.arguments[0].steps if act.call == "submit" else ():
            for table, key, _ in step.result.puts:
                here, there = self._tables.values.get((table, key)), await store.get(table, key)
                assert (here is None) == (there is None)
                if here is not None and there is not None:
                    self._there[table, key, here.version] = there.version


async def repeated(store: SqliteStore, act: Act) -> Any:
    if act.call in ("acquire", "expire"):
        return await getattr(store, act.call)(*act.arguments)
    done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    getattr(store, act.call)(*act.arguments, lambda result, problem: done.set_result(problem or result))
    return await done


def told(result: Any) -> Any:
    """Problems by their kind: their words are each store's own."""
    if isinstance(result, Problem):
        return type(result)
    if isinstance(result, Sequence):
        return [type(one) if isinstance(one, Problem) else one for one in result]
    return result


async def compare(image: Image, store: SqliteStore) -> None:
    tables = image.tables
    for partition in range(PARTITIONS):
        part = await store.read(partition, 0, 10_000)
        assert list(part.events) == tables.log[partition]
    for table, key in tables.values:
        found = await store.get(table, key)
        assert found is not None
        assert found.value == tables.values[table, key].value
    for table, key in tables.counters:
        assert await store.counter(table, key) == tables.counters[table, key]
    tallied = [one for one in await store.tallies() if one.total]
    assert sorted(tallied) == sorted(await image.store.tallies())
    for flow in tables.cursors:
        assert await store.cursors(flow) == tables.cursors[flow]
        assert [row[:4] for row in await store.held(flow)] == [row[:4] for row in await image.store.held(flow)]
    assert await store.pending_deliveries(-1, "", 1000) == await image.store.pending_deliveries(-1, "", 1000)
    for mark, held in tables.held.items():
        assert await store.held_one(mark) == held
    for name, row in tables.deliveries.items():
        assert await store.delivery(name) == row
