"""Becoming the owner: a new epoch, its cursors and its subscriptions, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from interlock.adapters.postgres import sql
from interlock.adapters.postgres.connection import Connection, fetch, scalar
from interlock.adapters.postgres.names import Names
from interlock.model.record import StartRow


async def acquire(connection: Connection, names: Names, start: StartRow, flows: Mapping[str, Sequence[str]]) -> int:
    """See `StateStore.acquire`. Commits of the epoch before wait for this one, or this one for them."""
    await names.learn(connection, *flows)
    await connection.execute(sql.BEGIN.encode())
    try:
        epoch = int(await scalar(connection, sql.EPOCH_LOCKED)) + 1
        await connection.execute(sql.EPOCH_SET.encode(), (epoch,))
        await connection.execute(sql.START.encode(), (epoch, *start[1:]))
        await fetch(connection, sql.HEADS_LOCK_ALL)  # nothing is appended while it is counted what was
        for flow, types in flows.items():
            await own(connection, names.id(flow), epoch, types)
        await connection.execute(sql.COMMIT.encode())
    except BaseException:
        if not connection.closed:
            await connection.execute(sql.ROLLBACK.encode())
        raise
    return epoch


async def own(connection: Connection, flow: int, epoch: int, types: Sequence[str]) -> None:
    await connection.execute(sql.CURSOR_NEW.encode(), (flow, epoch))
    await connection.execute(sql.CURSOR_OWN.encode(), (flow, epoch))
    before: dict[str, int] = dict(await fetch(connection, sql.BEFORE_OF, (flow,)))
    for event_type in sorted(before.keys() - types):
        if before[event_type] >= 0:
            handled = await scalar(connection, sql.HANDLED_OF_TYPE, (flow, event_type))
            await connection.execute(sql.SUBSCRIBE.encode(), (flow, event_type, -1 - handled))
    for event_type in types:
        taken = before.get(event_type, -1)
        if taken < 0:
            known = await scalar(connection, sql.ACCEPTED_OF_TYPE, (event_type,))
            beyond = await scalar(connection, sql.BEYOND_CURSOR, (flow, event_type))
            never = known - beyond - (-1 - taken)
            await connection.execute(sql.SUBSCRIBE.encode(), (flow, event_type, never))
