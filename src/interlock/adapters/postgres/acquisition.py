"""Becoming the only owner or a member: a new epoch, its cursors and its subscriptions, in one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from interlock.adapters.postgres import members_sql, sql
from interlock.adapters.postgres.columns import Ints
from interlock.adapters.postgres.connection import Connection, fetch, scalar
from interlock.adapters.postgres.names import Names
from interlock.model.archive import refuse_moved
from interlock.model.migration import Standing
from interlock.model.problems import SettingInvalid
from interlock.model.record import StartRow
from interlock.ports.membership import Member

Flows = Mapping[str, Sequence[str]]


@asynccontextmanager
async def transaction(connection: Connection) -> AsyncIterator[None]:
    """Committed at the end, or undone."""
    await connection.execute(sql.BEGIN.encode())
    try:
        yield
        await connection.execute(sql.COMMIT.encode())
    except BaseException:
        if not connection.closed:
            await connection.execute(sql.ROLLBACK.encode())
        raise


async def acquire(connection: Connection, names: Names, start: StartRow, flows: Flows) -> int:
    """See `StateStore.acquire`. Commits of the epochs before wait for this one, or this one for them."""
    await names.learn(connection, *flows)
    async with transaction(connection):
        epoch = await next_epoch(connection)
        await end(connection, [row[0] for row in await fetch(connection, members_sql.MEMBERS_ALL)])
        await begin(connection, names, Member(epoch, "alone", True), start, flows, None)
        await connection.execute(members_sql.LEASE_GIVE_ALL.encode(), (epoch,))
        partitions = [row[0] for row in await fetch(connection, sql.HEADS_LOCK_ALL)]
        await connection.execute(members_sql.CURSORS_GIVE.encode(), (epoch, Ints(partitions)))
    return epoch


async def join(
    connection: Connection, names: Names, member: Member, start: StartRow, flows: Flows, seconds: float
) -> int:
    """See `Membership.join`; the epoch of `member` is not known yet."""
    await names.learn(connection, *flows)
    async with transaction(connection):
        epoch = await next_epoch(connection)
        await end_late(connection)
        await refuse_mixed(connection, start, seconds)
        await end(connection, [row[0] for row in await fetch(connection, members_sql.MEMBERS_ALONE)])
        await begin(connection, names, member._replace(epoch=epoch), start, flows, seconds)
    return epoch


async def next_epoch(connection: Connection) -> int:
    """Locked until the transaction ends, so that epochs come into force in their order.

    FormatUnsupported when the schema has left this release behind since it was opened.
    """
    epoch = int(await scalar(connection, sql.EPOCH_LOCKED)) + 1
    Standing.of(dict(await fetch(connection, members_sql.OLDEST))).admit(sql.FORMAT)
    refuse_moved(dict(await fetch(connection, members_sql.LEFT)))
    await connection.execute(sql.EPOCH_SET.encode(), (epoch,))
    return epoch


async def refuse_mixed(connection: Connection, start: StartRow, seconds: float) -> None:
    estate = await scalar(connection, members_sql.ESTATE)
    if estate not in (None, start.estate):
        raise SettingInvalid(
            f"The store is that of the estate {estate}, not of {start.estate}.",
            next_step="Give each estate a schema of its own: stores.schema.",
        )
    for name, other in await fetch(connection, members_sql.MEMBER_OTHER, (seconds,)):
        if other:
            raise SettingInvalid(
                f"workers.lease_seconds is {seconds:g} here, and {other:g} at {name}.",
                next_step="Give all processes on the store the same settings.",
            )


async def begin(
    connection: Connection, names: Names, member: Member, start: StartRow, flows: Flows, seconds: float | None
) -> None:
    """`seconds` is None for a member without an end, who owns the store alone."""
    numbers = Ints(names.ids[flow] for flow in flows)
    row = (member.epoch, member.name, int(member.runs_flows), numbers, seconds)
    await connection.execute(members_sql.MEMBER_NEW.encode(), row)
    await connection.execute(members_sql.START.encode(), (member.epoch, *start[1:], sql.FORMAT))
    await fetch(connection, sql.HEADS_LOCK_ALL)  # nothing is appended while it is counted what was
    for flow, types in flows.items():
        await subscribe(connection, names.ids[flow], types)


async def subscribe(connection: Connection, flow: int, types: Sequence[str]) -> None:
    await connection.execute(sql.CURSOR_NEW.encode(), (flow,))
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


async def end_late(connection: Connection) -> None:
    """Members whose time is over. One that commits right now is left to the next who looks."""
    await end(connection, [row[0] for row in await fetch(connection, members_sql.MEMBERS_LATE)])


async def end(connection: Connection, epochs: Sequence[int]) -> None:
    """Of members whose rows this transaction holds. The leases are looked for after that, so that all are found."""
    if not epochs:
        return
    held = [row[0] for row in await fetch(connection, members_sql.LEASES_OF, (Ints(epochs),))]
    if held:
        await connection.execute(members_sql.LEASE_GIVE.encode(), (0, Ints(held)))
    await connection.execute(members_sql.MEMBERS_END.encode(), (Ints(epochs),))
