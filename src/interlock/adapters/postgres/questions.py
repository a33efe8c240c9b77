"""Reads of committed state, on a connection of their own that comes back when it was lost.

What handlers ask in one turn of the event loop is one query: many at once cost one round trip.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import Any

import psycopg

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.columns import columns
from interlock.adapters.postgres.connection import Connection, Row, Target, connect, fetch, lost, reconnect, translate
from interlock.adapters.postgres.lookup import Cell
from interlock.adapters.postgres.session import within
from interlock.model.problems import Problem

Answer = asyncio.Future[Row | None]


class Questions:
    """Use from one event loop. Every failure of the server is a Problem."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[Connection] | None = None
        self._asked: dict[str, dict[Cell, list[Answer]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def all(self, statement: str, bindings: Sequence[Any] = ()) -> list[Row]:
        """All rows. Asked once more when the connection turns out to be lost."""
        for last in (False, True):
            connection = await self._connected()
            try:
                found: list[Row] = await within(connection, fetch(connection, statement, bindings))
                return found
            except (psycopg.Error, OSError) as error:
                if last or not (lost(error) or connection.closed):
                    raise translate(error, self._target) from error
        raise AssertionError("the loop returns or raises")

    async def one(self, statement: str, bindings: Sequence[Any] = ()) -> Row | None:
        found = await self.all(statement, bindings)
        return found[0] if found else None

    def cell(self, statement: str, cell: Cell) -> Answer:
        """The row of one cell, without its key; the statement takes many of them."""
        answer: Answer = asyncio.get_running_loop().create_future()
        if statement not in self._asked:
            self._asked[statement] = {}
            task = asyncio.get_running_loop().create_task(self._ask(statement))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._asked[statement].setdefault(cell, []).append(answer)
        return answer

    async def _ask(self, statement: str) -> None:
        asked = self._asked.pop(statement)
        try:
            rows = await self.all(statement, columns(sql.CELL_KINDS, list(asked)))
        except Problem as problem:
            settle_each(asked.values(), problem)
            return
        found = {(row[0], row[1]): row[2:] for row in rows}
        for cell, answers in asked.items():
            for answer in answers:
                if not answer.done():
                    answer.set_result(found.get(cell))

    async def _connected(self) -> Connection:
        """All that ask meanwhile wait for one try, and hear what became of it: none waits for another one's as well."""
        if self._connection is not None and not self._connection.closed:
            return self._connection
        if self._connecting is None or self._connecting.done():
            again = reconnect if self._connection else connect
            self._connecting = asyncio.get_running_loop().create_task(self._connect(again(self._target)))
            self._connecting.add_done_callback(heard)
        return await asyncio.shield(self._connecting)

    async def _connect(self, connecting: Awaitable[Connection]) -> Connection:
        self._connection = await connecting
        return self._connection

    async def close(self) -> None:
        for task in list(self._tasks):
            await task
        if self._connecting is not None:
            self._connecting.cancel()
            await asyncio.gather(self._connecting, return_exceptions=True)
        if self._connection is not None:
            await self._connection.close()


def heard(task: asyncio.Task[Connection]) -> None:
    """Should nobody be there any more to hear what became of it."""
    if not task.cancelled():
        task.exception()


def settle_each(answers: Any, problem: Problem) -> None:
    for several in answers:
        for answer in several:
            if not answer.done():
                answer.set_exception(problem)
