"""Fills a store with orders, through its adapter and equal to what the edge writes: growth and catch-up start from it.

`python -m bench.preload STORE COUNT [--handled] [--random-ids] [--acks FILE]`. STORE is a file, the URI of a PostgreSQL
database, or the folder of an estate whose settings name the store. Without `--handled` the events wait for the flow.
With it each was handled: its row, one state row and one emitted event are there too, so the log holds twice COUNT.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import orjson
import uvloop

from bench import order
from bench.subjects.interlock import ESTATE, FLOW
from bench.verify import DATABASE
from interlock import __version__
from interlock.adapters.sqlite import SqliteStore
from interlock.adapters.system import SystemClock, SystemIds
from interlock.app.stores import Stores, open_stores
from interlock.contracts.event_contract import EventContract
from interlock.edge.traceparent import Sampler
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.model.event import UNPROTECTED, Appended, Event
from interlock.model.handling import HandlingState
from interlock.model.hashing import KeyHasher, partition_of
from interlock.model.problems import Problem
from interlock.model.record import HandlingRow, StartRow
from interlock.model.step import Commit, CursorMove, Put, Step, StepResult
from interlock.ports.event_log import EventLog
from interlock.ports.state_store import StateStore

BATCH = 1000
PLACED, NOTED = "orders.OrderPlaced", "orders.OrderNoted"


class Filler:
    """Makes rows as edge and engine make them, and commits them a thousand at a time."""

    def __init__(self, estate: Estate, log: EventLog, state: StateStore | None = None) -> None:
        self._placed, self._noted = estate.latest[PLACED], estate.latest[NOTED]
        self._log, self._state = log, state
        self._hasher = KeyHasher(log.secret)
        self._clock, self._ids = SystemClock(), SystemIds()
        self._sampler = Sampler(self._ids, estate.settings.trace.sample_ratio)
        self._partitions = log.partitions
        self._epoch = 0

    async def acquire(self, estate: Estate) -> None:
        start = StartRow(0, self._clock.now_us(), __version__, estate.name, estate.hash, estate.settings.hash)
        assert self._state is not None
        self._epoch = await self._state.acquire(start, {FLOW: [PLACED]})

    def event(self, identity: str) -> Event:
        """What POST /events makes of `order.event(identity)`."""
        document = orjson.loads(order.event(identity))
        attributes = orjson.dumps({"time": document["time"]})
        data = orjson.loads(order.data(identity))
        trace = self._sampler.choose(None)
        return self._made(self._placed, identity, order.SOURCE, None, None, trace, attributes, data, orjson.dumps(data))

    def noted(self, cause: Event) -> Event:
        """What the flow emits."""
        data = {"order_id": order.order_id(cause.id), "total": "98.44"}
        body = msgspec.json.encode(data)
        source = f"flow:{FLOW}"
        return self._made(self._noted, self._ids.new_id(), source, cause.id, cause.id, cause.trace, None, data, body)

    def _made(
        self,
        contract: EventContract,
        identity: str,
        source: str,
        correlation: str | None,
        causation: str | None,
        trace: str | None,
        attributes: bytes | None,
        data: Mapping[str, object],
        body: bytes,
    ) -> Event:
        key, business = contract.route(data)
        number = self._hasher.number(key)
        return Event(
            partition_of(number, self._partitions),
            identity,
            source,
            contract.type,
            contract.version,
            number,
            self._clock.now_us(),
            correlation,
            causation,
            trace,
            b"".join([self._hasher.digest(word) for word in business]),
            attributes,
            UNPROTECTED,
            None,
            body,
        )

    async def append(self, events: Sequence[Event]) -> Sequence[Appended]:
        future: asyncio.Future[Sequence[Appended]] = asyncio.get_running_loop().create_future()

        def done(appended: Sequence[Appended] | None, problem: Problem | None) -> None:
            if appended is None:
                future.set_exception(problem or RuntimeError("refused without a reason"))
            else:
                future.set_result(appended)

        self._log.append(events, done)
        return await future

    async def handle(self, events: Sequence[Event], places: Sequence[Appended]) -> None:
        """The commit that the flow's worker would make."""
        steps = [self._step(event, place) for event, place in zip(events, places, strict=True)]
        moves = [CursorMove(FLOW, place.partition, place.position) for place in places]
        last = {move.partition: move for move in moves}
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(outcomes: Sequence[Problem | None] | None, problem: Problem | None) -> None:
            wrong = problem or next((outcome for outcome in outcomes or () if outcome is not None), None)
            if wrong is not None:
                future.set_exception(wrong)
            else:
                future.set_result(None)

        assert self._state is not None
        self._state.submit(Commit(self._epoch, steps, list(last.values()), []), done)
        await future

    def _step(self, event: Event, place: Appended) -> Step:
        row = HandlingRow(
            FLOW, place.partition, place.position, 0, HandlingState.DONE, 1, event.time_us, 20, "note", "1", None
        )
        value = msgspec.json.encode({"total": "98.44", "lines": 5})
        result = StepResult(puts=(Put("orders", order.order_id(event.id), value),), emits=(self.noted(event),))
        return Step(row, result)


async def opened(store: Path | str, partitions: int) -> Stores:
    """The file, the schema `interlock` of the database, or what the estate in the folder says."""
    if str(store).startswith(DATABASE):
        from interlock.adapters.postgres import PostgresStore  # an extra

        found = await PostgresStore.open(str(store), partitions=partitions)
        return Stores(found, found)
    if Path(store).is_dir():
        return await open_stores(load(Path(store)))
    file = await SqliteStore.open(Path(store), partitions=partitions)
    return Stores(file, file)


async def fill(path: Path | str, count: int, *, handled: bool, random_ids: bool, acks: Path | None) -> None:
    estate = load(ESTATE)
    stores = await opened(path, estate.settings.stores.partitions)
    filler = Filler(estate, *stores)
    await filler.acquire(estate)
    run = order.new_run()
    identity = order.random_id if random_ids else order.event_id
    numbers = [range(first, min(first + BATCH, count)) for first in range(0, count, BATCH)]
    for part in numbers:
        events = [filler.event(identity(run, number)) for number in part]
        places = await filler.append(events)
        if handled:
            await filler.handle(events, places)
        if acks is not None:
            with acks.open("a") as file:
                file.writelines(f"{event.id} 0 0\n" for event in events)
    await stores.close()


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("store")
    parser.add_argument("count", type=int)
    parser.add_argument("--handled", action="store_true")
    parser.add_argument("--random-ids", action="store_true")
    parser.add_argument("--acks", type=Path)
    given = parser.parse_args(argv)
    os.nice(10)  # filling is not measured: others may go first
    uvloop.run(fill(given.store, given.count, handled=given.handled, random_ids=given.random_ids, acks=given.acks))


if __name__ == "__main__":
    main(sys.argv[1:])
