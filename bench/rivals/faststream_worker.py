"""FastStream on NATS JetStream: a subscriber that writes one row per message, or one transaction per list.

`python -m bench.rivals.faststream_worker NATS_URL DATABASE one|list LIST_SIZE [STAMPS]`. Prints `ready`.
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

STREAM = "ORDERS"
SUBJECT = "orders"
FETCH_SECONDS = 0.02
"""How long a list waits to become full: throughput wants it long, latency short."""


async def raw(message):
    """The body as it is. Lists come as a list of bodies."""
    return message.body


async def work(url: str, database: str, mode: str, size: int, stamps: str | None) -> None:
    rows = Rows(database)
    broker = NatsBroker(url, logger=None, apply_types=False, decoder=raw)
    stream = JStream(STREAM, declare=False)
    common = {"stream": stream, "durable": "bench", "deliver_policy": DeliverPolicy.ALL}
    if mode == "list":
        pull = PullSub(batch_size=size, timeout=FETCH_SECONDS, batch=True)

        @broker.subscriber(SUBJECT, pull_sub=pull, **common)
        async def handle_list(bodies: list[bytes]) -> None:
            rows.handle(bodies)

    else:
        window = ConsumerConfig(max_ack_pending=10_000)  # the default of 1,000 is slower here

        @broker.subscriber(SUBJECT, config=window, **common)
        async def handle(body: bytes) -> None:
            rows.handle((body,))

    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await broker.start()
    print("ready", flush=True)
    await stop.wait()
    await broker.stop()
    if stamps:
        rows.write_stamps(stamps)


if __name__ == "__main__":
    url, database, mode, size = sys.argv[1:5]
    uvloop.run(work(url, database, mode, int(size), sys.argv[5] if len(sys.argv) > 5 else None))
