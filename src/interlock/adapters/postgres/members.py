"""Membership on PostgreSQL, on a connection of its own: a beat must not wait behind a long commit or a big question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar

import psycopg

from interlock.adapters.postgres import members_sql
from interlock.adapters.postgres.acquisition import Flows, end, end_late, join, transaction
from interlock.adapters.postgres.columns import Ints
from interlock.adapters.postgres.connection import Connection, Target, again, connect, fetch, lost, reconnect, translate
from interlock.adapters.postgres.names import Names
from interlock.adapters.postgres.session import within
from interlock.adapters.postgres.work import gone
from interlock.model.record import StartRow
from interlock.ports.membership import Member, Roster

T = TypeVar("T")
TRIES = 3


class Members:
    """One transaction after the other. Each is made anew when it was in another one's way, or its session was lost."""

    def __init__(self, target: Target, names: Names) -> None:
        self._target = target
        self._names = names
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def join(self, member: Member, start: StartRow, flows: Flows, seconds: float) -> int:
        return await self._run(lambda connection: join(connection, self._names, member, start, flows, seconds))

    async def beat(self, epoch: int) -> Roster:
        async def body(connection: Connection) -> Roster:
            async with transaction(connection):
                if not await fetch(connection, members_sql.MEMBER_BEAT, (epoch,)):
                    raise gone(epoch)
                await end_late(connection)
                members = await fetch(connection, members_sql.MEMBERS)
                leases = await fetch(connection, members_sql.LEASES)
            return Roster(tuple(Member(*row) for row in members), dict(leases))

        return await self._run(body)

    async def claim(self, epoch: int, partitions: Collection[int]) -> list[int]:
        async def body(connection: Connection) -> list[int]:
            async with transaction(connection):
                if not await fetch(connection, members_sql.MEMBER_HOLD, (epoch,)):
                    raise gone(epoch)
                free = [row[0] for row in await fetch(connection, members_sql.LEASES_FREE, (Ints(partitions),))]
                await self._give(connection, epoch, free)
            return free

        return await self._run(body)

    async def release(self, epoch: int, partitions: Collection[int]) -> None:
        async def body(connection: Connection) -> None:
            async with transaction(connection):
                await fetch(connection, members_sql.MEMBER_TAKE, (epoch,))
                held = [row[0] for row in await fetch(connection, members_sql.LEASES_OF, (Ints([epoch]),))]
                given = Ints(partition for partition in held if partition in partitions)
                await connection.execute(members_sql.LEASE_GIVE.encode(), (0, given))

        await self._run(body)

    async def leave(self, epoch: int) -> None:
        async def body(connection: Connection) -> None:
            async with transaction(connection):
                await end(connection, [row[0] for row in await fetch(connection, members_sql.MEMBER_TAKE, (epoch,))])

        await self._run(body)

    async def _give(self, connection: Connection, epoch: int, free: Sequence[int]) -> None:
        if free:
            await connection.execute(members_sql.LEASE_GIVE.encode(), (epoch, Ints(free)))
            await connection.execute(members_sql.CURSORS_GIVE.encode(), (epoch, Ints(free)))

    async def _run(self, body: Callable[[Connection], Awaitable[T]]) -> T:
        async with self._turn:
            for tried in range(1, TRIES + 1):
                connection = await self._connected()
                try:
                    found: T = await within(connection, body(connection))
                    return found
                except (psycopg.Error, OSError) as error:
                    if tried == TRIES or not (lost(error) or connection.closed or again(error)):
                        raise translate(error, self._target) from error
        raise AssertionError("the loop returns or raises")

    async def _connected(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = await (reconnect if self._connection else connect)(self._target)
        return self._connection

    async def close(self) -> None:
        async with self._turn:
            if self._connection is not None:
                await self._connection.close()
