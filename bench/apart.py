"""What a log outside the database costs: the same flow with log and state fused on PostgreSQL, and with the log apart.

`python -m bench.apart [COUNT] [ROUNDS]`. Each round, in turn, on the same servers: COUNT events lie in the log; an
engine starts on them; the time until each is handled (mark, one state row, one emitted event), and until what was
emitted is in the log too. Apart means also that each event is indexed, and each emitted one relayed and indexed.
PostgreSQL flushes its commits; JetStream acknowledges before it flushes (its default), so the log apart promises less.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import uvloop

from bench import order
from bench.preload import NOTED, Filler
from bench.subjects.interlock import ESTATE, FLOW
from interlock.adapters.null_sink import NullSink
from interlock.adapters.system import SystemClock, SystemIds
from interlock.app.stores import open_stores, place_of_store
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.flows.engine import Engine
from interlock.testing.nats_server import NatsServer
from interlock.testing.postgres_server import PostgresServer, new_database

COUNT, ROUNDS, BATCH = 10_000, 3, 200
APART = 'log = "jetstream"\n[jetstream]\nstream = "{name}"\n'


def estate_in(folder: Path, kind: str) -> Estate:
    name = f"b_{secrets.token_hex(4)}"
    target = folder / name
    shutil.copytree(ESTATE, target, ignore=shutil.ignore_patterns("__pycache__", ".interlock"))
    with (target / "interlock.toml").open("a") as settings:
        settings.write(f'\n[stores]\nkind = "postgres"\nschema = "{name}"\n')
        settings.write(APART.format(name=name) if kind == "apart" else "")
    return load(target)


async def measured(estate: Estate, count: int) -> tuple[float, float]:
    """Events handled a second, and handled and published a second."""
    stores = await open_stores(estate)
    engine = Engine(estate, stores.log, stores.state, SystemClock(), SystemIds(), NullSink())
    await engine.acquire()
    filler = Filler(estate, stores.log)
    run = order.new_run()
    events = [filler.event(order.event_id(run, number)) for number in range(count)]
    for first in range(0, count, BATCH):
        await filler.append(events[first : first + BATCH])
    begun = time.monotonic()
    await engine.start()
    handled = await until(estate, count, published=False) - begun
    published = await until(estate, count, published=True) - begun
    await engine.drain(10)
    await stores.close()
    return count / handled, count / published


async def until(estate: Estate, count: int, *, published: bool) -> float:
    """When all are handled; or when the record knows of all that was emitted."""
    reader = await place_of_store(estate).reader()
    while True:
        if published:
            done = sum(one.total for one in await reader.carried() if one.type == NOTED)
        else:
            done = sum(row.total for row in await reader.tallies() if row.flow == FLOW)
        if done >= count:
            await reader.close()
            return time.monotonic()
        await asyncio.sleep(0.02)


async def compare(folder: Path, count: int, rounds: int) -> None:
    rates: dict[str, list[tuple[float, float]]] = {"fused": [], "apart": []}
    for _ in range(rounds):
        for kind, found in rates.items():
            found.append(await measured(estate_in(folder, kind), count))
            print(f"{kind:6} {found[-1][0]:8.0f} handled/s {found[-1][1]:8.0f} published/s", flush=True)
    for nth, what in enumerate(("handled", "published")):
        fused, apart = (statistics.median(row[nth] for row in rates[kind]) for kind in ("fused", "apart"))
        print(f"{what}: apart / fused = {apart / fused:.2f}")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    database, nats = PostgresServer(), NatsServer()
    database.start()
    nats.start()
    try:
        os.environ["INTERLOCK_POSTGRES"] = new_database(database)
        os.environ["INTERLOCK_NATS"] = nats.url
        with tempfile.TemporaryDirectory() as folder:
            uvloop.run(compare(Path(folder), count, rounds))
    finally:
        nats.stop()
        database.stop()


if __name__ == "__main__":
    main()
