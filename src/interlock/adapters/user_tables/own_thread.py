"""A driver that blocks, on a thread of its own: a locked file or a silent server must not stop the event loop."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, OutboxRow, RefusedRow

T = TypeVar("T")


class BlockingTable(ABC):
    """The calls of OutboxSource as one connection of a blocking driver has them; used by one thread at a time.

    Each raises problems of our tree.
    """

    @abstractmethod
    def lead(self) -> None: ...

    @abstractmethod
    def read(self, limit: int) -> Sequence[OutboxRow]: ...

    @abstractmethod
    def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None: ...

    @abstractmethod
    def inspect(self) -> OutboxFacts: ...

    @abstractmethod
    def figures(self) -> OutboxFigures: ...

    @abstractmethod
    def refused(self, limit: int) -> Sequence[RefusedRow]: ...

    @abstractmethod
    def close(self) -> None: ...


TableT = TypeVar("TableT", bound=BlockingTable)


class OwnThread(Generic[TableT]):
    """OutboxSource over a BlockingTable."""

    def __init__(self, table: TableT) -> None:
        self.table = table
        self._executor = ThreadPoolExecutor(1, "outbox")

    async def lead(self) -> None:
        await self._run(self.table.lead)

    async def read(self, limit: int) -> Sequence[OutboxRow]:
        return await self._run(lambda: self.table.read(limit))

    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        await self._run(lambda: self.table.settle(published, refused))

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def inspect(self) -> OutboxFacts:
        return await self._run(self.table.inspect)

    async def figures(self) -> OutboxFigures:
        return await self._run(self.table.figures)

    async def refused(self, limit: int) -> Sequence[RefusedRow]:
        return await self._run(lambda: self.table.refused(limit))

    async def close(self) -> None:
        await self._run(self.table.close)

    async def _run(self, act: Callable[[], T]) -> T:
        """A call that was given up is finished by its thread before the next one begins."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, act)
