"""One thread for what computes long, so that the event loop turns meanwhile; one call after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class WorkerThread:
    """The interpreter runs one thread at a time: this keeps the loop responsive, it makes nothing faster."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, call: Callable[[], T]) -> T:
        """`call` touches nothing that the event loop changes."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, call)

    async def close(self) -> None:
        """What waits is dropped; what runs is left to end by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)
