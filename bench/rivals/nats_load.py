"""Publishes orders to JetStream with acknowledgement: flat out with 500 in flight, or paced.

`python -m bench.rivals.nats_load NATS_URL RUN COUNT [RATE [STAMPS]]`. Prints one JSON line. `stamps` gets a line
`order_id due_ns acknowledged_ns` for each message.
"""
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import json
import sys
import time

import nats
import uvloop

from bench import order
from bench.rivals.faststream_worker import SUBJECT

IN_FLIGHT = 500


async def flat_out(stream, run: str, count: int) -> None:
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            await stream.publish(SUBJECT, order.event(order.event_id(run, number)))

    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))


async def paced(stream, run: str, count: int, rate: float) -> list[str]:
    lines: list[str] = []

    async def one(number: int, due_ns: int) -> None:
        identity = order.event_id(run, number)
        await stream.publish(SUBJECT, order.event(identity))
        lines.append(f"{order.order_id(identity)} {due_ns} {time.time_ns()}\n")

    begin, waiting = time.time_ns(), set()
    for number in range(count):
        due_ns = begin + int(number / rate * 1e9)
        delay = (due_ns - time.time_ns()) / 1e9
        if delay > 0:
            await asyncio.sleep(delay)
        task = asyncio.ensure_future(one(number, due_ns))
        waiting.add(task)
        task.add_done_callback(waiting.discard)
    await asyncio.gather(*waiting)
    return lines


async def main(url: str, run: str, count: int, rate: float, stamps: str | None) -> None:
    client = await nats.connect(url)
    stream = client.jetstream()
    for number in range(20):  # warm: the first publish pays for set-up
        await client.publish("warm", str(number).encode())
    await client.flush()
    begin = time.time_ns()
    if rate:
        lines = await paced(stream, run, count, rate)
        if stamps:
            with open(stamps, "w") as file:
                file.writelines(lines)
    else:
        await flat_out(stream, run, count)
    print(json.dumps({"acknowledged": count, "begin_ns": begin, "end_ns": time.time_ns()}))
    await client.close()


if __name__ == "__main__":
    url, run, count = sys.argv[1:4]
    rest = sys.argv[4:]
    uvloop.run(main(url, run, int(count), float(rest[0]) if rest else 0.0, rest[1] if len(rest) > 1 else None))
