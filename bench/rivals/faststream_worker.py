"""FastStream on NATS JetStream: a subscriber that writes one row per message, or one transaction per list.

`python -m bench.rivals.faststream_worker NATS_URL DATABASE one|list LIST_SIZE [STAMPS]`. Prints `ready`. DATABASE is a
SQLite file, or a PostgreSQL database in which the messages are deduped: then STAMPS is the file of the progress.
Messages are taken as bytes (`apply_types=False`) and decoded by orjson, FastStream's fastest way; nothing is validated.
"""
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import signal
import sys

import uvloop
from faststream.nats import ConsumerConfig, DeliverPolicy, JStream, NatsBroker, PullSub

from bench.rivals.rows import Rows

DEDUPED = "postgresql:"
LANES = 100
"""Handlers at once where the row is written over the network. SQLite has one writer."""
STREAM = "ORDERS"
SUBJECT = "orders"
FETCH_SECONDS = 0.02
"""How long a list waits to become full: throughput wants it long, latency short."""


async def raw(message):
    """The body as it is. Lists come as a list of bodies."""
    return message.body


async def rows_of(database: str, stamps: str | None):
    """What writes the rows: `handle` takes a list of bodies, and is awaited where it returns something."""
    if not database.startswith(DEDUPED):
        return Rows(database)
    from bench.rivals.deduped_rows import DedupedRows  # its driver is needed here only

    return await DedupedRows.open(database, stamps)


async def work(url: str, database: str, mode: str, size: int, stamps: str | None) -> None:
    rows = await rows_of(database, stamps)
    deduped = not isinstance(rows, Rows)
    broker = NatsBroker(url, logger=None, apply_types=False, decoder=raw)
    stream = JStream(STREAM, declare=False)
    common = {"stream": stream, "durable": "bench", "deliver_policy": DeliverPolicy.ALL}
    if mode == "list":
        pull = PullSub(batch_size=size, timeout=FETCH_SECONDS, batch=True)

        @broker.subscriber(SUBJECT, pull_sub=pull, **common)
        async def handle_list(bodies: list[bytes]) -> None:
            written = rows.handle(bodies)
            if deduped:
                await written

    else:
        window = ConsumerConfig(max_ack_pending=10_000)  # the default of 1,000 is slower here

        @broker.subscriber(SUBJECT, config=window, max_workers=LANES if deduped else 1, **common)
        async def handle(body: bytes) -> None:
            written = rows.handle((body,))
            if deduped:
                await written

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await broker.start()
    print("ready", flush=True)
    await stop.wait()
    await broker.stop()
    if stamps and not deduped:
        rows.write_stamps(stamps)


if __name__ == "__main__":
    url, database, mode, size = sys.argv[1:5]
    uvloop.run(work(url, database, mode, int(size), sys.argv[5] if len(sys.argv) > 5 else None))
