"""A workload on the SQLite store, a power cut in the middle of it, and the questions asked afterwards.

`Ledger` is what the callers know: what they asked for and what was acknowledged. `verify` compares it with the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw

from interlock.adapters.sqlite import SqliteReader, SqliteStore
from interlock.model.event import Event, Stored
from interlock.model.problems import Problem
from interlock.model.step import Add, CursorMove, Put, Step, StepResult
from interlock.testing.fault_files import FaultFiles
from interlock.testing.samples import FLOW, TYPE, append, commit, delivery, event, handling, start, submit

FILE = "store.db"
PARTITIONS = 2
EMITTED = "orders.OrderReserved"


@dataclass
class Ledger:
    """What the callers know."""

    asked: dict[str, Event] = field(default_factory=dict)
    calls: list[list[str]] = field(default_factory=list)
    places: dict[str, tuple[int, int]] = field(default_factory=dict)
    handled: set[tuple[int, int]] = field(default_factory=set)
    cursors: dict[int, int] = field(default_factory=dict)
    epoch: int = 0
    numbers: int = 0


async def run(store: SqliteStore, ledger: Ledger, chance: random.Random, rounds: int) -> None:
    """Producers append and a consumer commits, side by side, until `rounds` are over or the store fails."""
    ledger.epoch = await store.acquire(start(), {FLOW: [TYPE]})
    ledger.cursors = await store.cursors(FLOW)  # an unacknowledged commit may have moved them
    for _ in range(rounds):
        producers = [produce(store, ledger, chance) for _ in range(chance.randint(1, 3))]
        await asyncio.gather(*producers, consume(store, ledger))


async def produce(store: SqliteStore, ledger: Ledger, chance: random.Random) -> None:
    partition, count = chance.randrange(PARTITIONS), chance.randint(1, 4)
    batch = []
    for number in range(ledger.numbers, ledger.numbers + count):
        body = b"%d" % number + b"." * chance.randint(0, 3000)
        batch.append(event(number, partition)._replace(body=body))
    ledger.numbers += count
    ledger.asked |= {one.id: one for one in batch}
    ledger.calls.append([one.id for one in batch])
    for one, place in zip(batch, await append(store, batch), strict=True):
        ledger.places[one.id] = (place.partition, place.position)


async def consume(store: SqliteStore, ledger: Ledger) -> None:
    """Handle what is in the log beyond the cursor, each partition's share in one batch."""
    for partition in range(PARTITIONS):
        after = ledger.cursors[partition]
        part = await store.read(partition, after, 10)
        steps = [step_for(stored) for stored in part.events if stored.event.type == TYPE]
        cursor = CursorMove(FLOW, partition, part.through)
        outcomes = await submit(store, commit(ledger.epoch, *steps, cursors=[cursor]))
        assert outcomes == [None] * len(steps)
        ledger.cursors[partition] = part.through
        ledger.handled |= {(partition, step.handling.position) for step in steps if step.handling}


def step_for(stored: Stored) -> Step:
    """Mark, value, counter, emitted event, call and answer: one of each."""
    one = stored.event
    follower = one._replace(id=f"{one.id}-reserved", type=EMITTED, causation=one.id, body=b"{}")
    call = delivery(f"call-{one.id}")._replace(partition=one.partition, position=stored.position)
    result = StepResult(
        puts=(Put("orders", one.id, one.body),),
        adds=(Add("count", "all", 1, None, None),),
        emits=(follower,),
        calls=(call,),
    )
    mark = handling(stored.position, partition=one.partition)
    return Step(handling=mark, result=result)


async def interrupted(folder: Path, ledger: Ledger, files: FaultFiles, rounds: int, **options: Any) -> int:
    """Run until the power is cut; how many operations the disk saw. Whatever is left open is abandoned."""
    chance = random.Random(f"{files.name}-{len(ledger.calls)}")
    store = None
    with contextlib.suppress(Problem):
        store = await SqliteStore.open(folder / FILE, partitions=PARTITIONS, vfs=files.name, **options)
        await run(store, ledger, chance, rounds)
    operations = files.operations
    files.cut_power()
    if store is not None:
        with contextlib.suppress(apsw.Error, Problem):
            await asyncio.wait_for(store.close(), 5)
    return operations


async def verify(folder: Path, ledger: Ledger) -> None:
    """Everything acknowledged is there, nothing is half there, nothing was made up."""
    store = await SqliteStore.open(folder / FILE, partitions=PARTITIONS)
    try:
        rows = [row for partition in range(PARTITIONS) for row in (await store.read(partition, 0, 10**6)).events]
        check_events(rows, ledger)
        await check_steps(store, folder, rows, ledger)
        assert await store.acquire(start(), {FLOW: [TYPE]}) > ledger.epoch
        assert (await append(store, [event(10**6)]))[0].position > max((row.position for row in rows), default=0)
    finally:
        await store.close()


def check_events(rows: list[Stored], ledger: Ledger) -> None:
    found = {row.event.id: row for row in rows if row.event.type == TYPE}
    assert len({row.position for row in rows}) == len({row.event.id for row in rows}) == len(rows)
    for name, place in ledger.places.items():
        assert name in found, f"{name} was acknowledged and is lost"
        assert (found[name].event.partition, found[name].position) == place
    for name, row in found.items():
        assert row.event == ledger.asked[name]
    for names in ledger.calls:
        assert len({name in found for name in names}) == 1, f"the call {names} was torn"


async def check_steps(store: SqliteStore, folder: Path, rows: list[Stored], ledger: Ledger) -> None:
    names = {row.event.id for row in rows}
    marks = {(p, position) for p in range(PARTITIONS) for position in await store.marks_after(FLOW, p, 0)}
    assert ledger.handled <= marks, "a step was acknowledged and is lost"
    for row in rows:
        if row.event.type != TYPE:
            continue
        handled = (row.event.partition, row.position) in marks
        effects = [
            await store.get("orders", row.event.id) is not None,
            f"{row.event.id}-reserved" in names,
            await store.delivery(f"call-{row.event.id}") is not None,
        ]
        assert effects == [handled] * len(effects), f"{row.event.id}: mark {handled}, effects {effects}"
    assert await store.counter("count", "all") == len(marks)
    cursors = await store.cursors(FLOW)
    assert all(cursors.get(partition, 0) >= position for partition, position in ledger.cursors.items())
    await check_books(folder, len(marks))


async def check_books(folder: Path, handled: int) -> None:
    record = SqliteReader(folder / FILE)
    (books,) = await record.sums({FLOW: [TYPE]})
    tallies = [row.total for row in await record.tallies()]
    await record.close()
    assert (books.difference, books.done, sum(tallies)) == (0, handled, handled)
    connection = apsw.Connection(str(folder / FILE))
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


async def scenario(folder: Path, seed: int, *, rounds: int = 12, cuts: int = 2, **options: Any) -> None:
    """A first run measures how many operations there are; then the power is cut at random ones, one after the other."""
    chance = random.Random(seed)
    measured = FaultFiles(f"measured-{seed}")
    total = await interrupted(folder / "measured", Ledger(), measured, rounds, **options)
    measured.unregister()
    ledger = Ledger()
    here = folder / "0"
    for cut in range(cuts):
        files = FaultFiles(f"cut-{seed}-{cut}", seed)
        files.cut_power_at = chance.randrange(total)
        await interrupted(here, ledger, files, rounds, **options)
        here = folder / str(cut + 1)
        files.materialise(here)
        files.unregister()
        await verify_copy(here, folder / f"check-{cut}", ledger)


async def verify_copy(here: Path, copy: Path, ledger: Ledger) -> None:
    """On a copy, so that the next cut meets what the first one left and not what a clean opening made of it."""
    shutil.copytree(here, copy)
    await verify(copy, ledger)
