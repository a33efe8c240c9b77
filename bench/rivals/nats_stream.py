"""Creates the file-backed stream: `python -m bench.rivals.nats_stream NATS_URL`."""
# mypy: ignore-errors

from __future__ import annotations

import asyncio
import sys

import nats
from nats.js.api import StorageType, StreamConfig

from bench.rivals.faststream_worker import STREAM, SUBJECT


async def main(url: str) -> None:
    client = await nats.connect(url)
    await client.jetstream().add_stream(StreamConfig(name=STREAM, subjects=[SUBJECT], storage=StorageType.FILE))
    await client.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
