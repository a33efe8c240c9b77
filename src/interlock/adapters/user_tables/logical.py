"""Events that an application writes into PostgreSQL's own log, with pg_logical_emit_message, in commit order.

No row is written and none is deleted: the log keeps a message until the slot has gone past it. The slot is read through
SQL (peek, publish, advance), since psycopg does not speak the replication protocol. What is refused goes into the
outbox table, where people can correct it; corrected rows are read from there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection

from interlock.adapters.user_tables import outbox_sql as statements
from interlock.adapters.user_tables.bounds import Bounds
from interlock.adapters.user_tables.pgoutput import Message, messages
from interlock.adapters.user_tables.postgres import PostgresOutbox
from interlock.adapters.user_tables.rows import figures_of
from interlock.model.problems import SettingInvalid
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, OutboxRow, RefusedRow, SlotFacts

# Rows of the table count from 1; a place in the log is told from them by its sign.
_SLOT = """
SELECT plugin, database = current_database(), wal_status, current_setting('wal_level'),
       pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::bigint
FROM (SELECT 1) AS one LEFT JOIN pg_replication_slots ON slot_name = %s
"""
_BOUND = "SELECT nullif(setting::bigint, -1) * 1048576 FROM pg_settings WHERE name = 'max_slot_wal_keep_size'"
_NOW = "SELECT pg_current_wal_flush_lsn()::text, extract(epoch FROM clock_timestamp() - '2000-01-01Z')::float8"
_PEEK = (
    "SELECT data FROM pg_logical_slot_peek_binary_changes(%s, %s::pg_lsn, %s, "
    "'proto_version', '1', 'publication_names', %s, 'messages', 'true')"
)
_ADVANCE = "SELECT pg_replication_slot_advance(%s, %s::pg_lsn)"


class EmittedEvent(msgspec.Struct):
    """The content of a message: attributes of CloudEvents, and the data as JSON."""

    attributes: dict[str, str]
    data: msgspec.Raw


class LogicalOutbox(PostgresOutbox):
    """See OutboxSource. A transaction is read whole, whatever the limits say."""

    def __init__(
        self,
        dsn: str,
        table: str = statements.DEFAULT_TABLE,
        bounds: Bounds | None = None,
        *,
        slot: str = statements.DEFAULT_TABLE,
        estate: str = "",
    ) -> None:
        super().__init__(dsn, table, bounds, estate=estate)
        self._slot = slot
        self._ends: dict[int, int] = {}  # by place: where the slot may go when it was settled
        self._large: dict[int, str] = {}  # by place: data that is refused for its size and must not be lost

    async def read(self, limit: int) -> Sequence[OutboxRow]:
        async with self._session() as connection:
            return await self._emitted(connection, limit) or await self._waiting(connection, limit)

    async def settle(self, published: Sequence[OutboxRow], refused: Sequence[RefusedRow]) -> None:
        """The slot is moved after the commit: between the two a crash has the messages read once more."""
        places = [row.place for row in (*published, *(one.row for one in refused)) if row.place < 0]
        async with self._session() as connection:
            async with connection.transaction():
                await self._settle(
                    connection,
                    [row for row in published if row.place > 0],
                    [one for one in refused if one.row.place > 0],
                )
                for one in refused:
                    if one.row.place < 0:
                        await self._keep(connection, one)
            if places:
                end = max(self._ends[place] for place in places)
                await self._row(connection, _ADVANCE, (self._slot, _lsn(end)))
        self._ends.clear()
        self._large.clear()

    async def _facts(self, connection: AsyncConnection[tuple[Any, ...]]) -> OutboxFacts:
        found = await super()._facts(connection)
        _, _, status, _, held = await self._row(connection, _SLOT, (self._slot,))
        bound = await self._scalar(connection, _BOUND)
        return found._replace(slot=SlotFacts(self._slot, held, bound, status))

    async def figures(self) -> OutboxFigures:
        """What waits in the log is not counted: `held_bytes` says how much of it there is."""
        async with self._session() as connection:
            held = (await self._row(connection, _SLOT, (self._slot,)))[4]
            return figures_of(await self._row(connection, statements.figures("postgres", self._table)), held)

    async def _emitted(self, connection: AsyncConnection[tuple[Any, ...]], limit: int) -> list[OutboxRow]:
        self._ends.clear()
        self._large.clear()
        upto, now = await self._row(connection, _NOW)
        cursor = await connection.execute(
            _PEEK.encode(), (self._slot, upto, 3 * limit, self._slot)
        )  # begin, message, commit
        changes = [bytes(change) for (change,) in await cursor.fetchall()]
        rows = self._whole_transactions(messages(changes, self._table), now, limit)
        if not changes:
            # Nothing of ours was committed before: the log of others need not be kept for us.
            await self._row(connection, _ADVANCE, (self._slot, upto))
        elif not rows:
            end = max(int.from_bytes(change[10:18], "big") for change in changes if change[:1] == b"C")
            await self._row(connection, _ADVANCE, (self._slot, _lsn(end)))
        return rows

    def _whole_transactions(self, found: Iterable[Message], now: float, limit: int) -> list[OutboxRow]:
        """As many as the limits allow; the slot can only go past whole ones."""
        rows: list[OutboxRow] = []
        reached = end = 0
        for message in found:
            if message.end != end and (len(rows) >= limit or reached >= self._bounds.limit_bytes):
                break
            end = message.end
            reached += len(message.content)
            rows.append(self._row_of(message, now))
        return rows

    def _row_of(self, message: Message, now: float) -> OutboxRow:
        self._ends[-message.place] = message.end
        age = max(0.0, now - message.committed_us / 1e6)
        try:
            event = msgspec.json.decode(message.content, type=EmittedEvent)
            attributes, data = event.attributes, bytes(event.data).decode()
        except (msgspec.MsgspecError, UnicodeDecodeError):
            attributes, data = {}, message.content.decode("utf-8", "backslashreplace")
        size = len(data.encode())
        if size <= self._bounds.row_bytes:
            return OutboxRow(-message.place, age, size, data, attributes)
        self._large[-message.place] = data
        return OutboxRow(-message.place, age, size, None, attributes)

    async def _keep(self, connection: AsyncConnection[tuple[Any, ...]], refused: RefusedRow) -> None:
        """A message as a row of the table. Kept once, also when the slot is read again after a crash."""
        row, code, reason = refused
        given = {name: value for name, value in row.attributes.items() if name in statements.ATTRIBUTES}
        given.setdefault("id", f"lsn-{-row.place:x}")
        given.setdefault("type", "")
        data = row.data or self._large.get(row.place, "")
        told = given | {"data": data, "refused": code, "reason": reason}
        values = {name: _storable(value) for name, value in told.items()}
        marks = ", ".join(["%s"] * len(values))
        kept = (
            f"INSERT INTO {self._table} ({', '.join(values)}) SELECT {marks} "  # noqa: S608 - names of our own table
            f"WHERE NOT EXISTS (SELECT FROM {self._table} WHERE id = %s AND data = %s AND refused IS NOT NULL)"
        )
        await connection.execute(kept.encode(), (*values.values(), values["id"], values["data"]))

    async def _check(self, connection: AsyncConnection[tuple[Any, ...]]) -> None:
        await super()._check(connection)
        plugin, here, status, level, _ = await self._row(connection, _SLOT, (self._slot,))
        make = "Make it with what this prints, before the application emits: interlock outbox ddl --dialect postgres"
        if level != "logical":
            raise SettingInvalid(
                f"The server of {self._told} has wal_level = {level}; logical decoding needs logical.",
                next_step='Set wal_level = logical in postgresql.conf and restart, or use mode = "polling".',
            )
        if plugin is None:
            raise SettingInvalid(
                f"There is no replication slot {self._slot} for {self._told}; what was emitted without it is lost.",
                next_step=f"{make} --logical",
            )
        if plugin != "pgoutput" or not here:
            raise SettingInvalid(
                f"The replication slot {self._slot} is of another database or plugin ({plugin}).",
                next_step="Name another one with slot, or drop it and make it anew.",
            )
        if status == "lost":
            raise SettingInvalid(
                f"The replication slot {self._slot} is lost: the server has removed log that it had not read.",
                next_step="Find what is missing in the application's own tables; then drop the slot and make it anew, "
                "with a larger max_slot_wal_keep_size.",
            )


def _storable(text: str) -> str:
    """PostgreSQL's text holds neither U+0000 nor surrogates: what is refused is shown with escapes in their place."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _lsn(place: int) -> str:
    """As PostgreSQL writes a position: two hexadecimal halves."""
    return f"{place >> 32:X}/{place & 0xFFFFFFFF:X}"
