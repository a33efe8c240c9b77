"""Writes an event beside the application's own rows: both are committed, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from interlock.adapters.system import SystemClock, SystemIds
from interlock.adapters.user_tables.outbox_sql import COLUMNS, DEFAULT_TABLE, checked
from interlock.model.clock import to_rfc3339
from interlock.model.problems import UnknownContract
from interlock.outbox.drivers import run
from interlock.outbox.statement import emit, insert

DEPTH = 64  # as limits.json_depth has it unless it is set

if TYPE_CHECKING:
    from interlock.contracts.event_contract import EventContract


class Outbox:
    """One for each outbox table; safe to share between threads. Never commits, never opens a connection.

    source  the CloudEvents `source` of what is written; without it the relay puts in that of `sources/<name>.toml`
    table   its name, as `ddl` got it
    estate  the folder of the estate, when the application has it at hand: each event is held to its contract before
            it is written. None of the estate's code is run. Without it the relay checks, after the commit.
    """

    def __init__(
        self, source: str | None = None, *, table: str = DEFAULT_TABLE, estate: Path | str | None = None
    ) -> None:
        self._source = source
        self._table = checked(table)
        self._contracts = None if estate is None else _contracts(Path(estate))
        self._clock = SystemClock()

    def write(self, connection: Any, event: str | object, data: Any = None, **attributes: str | None) -> str:
        """Write an event within the transaction that is open on a synchronous connection; its id.

        `event` is a type with its `data` (anything that msgspec encodes: dicts, decimals, dates, dataclasses), or an
        instance of a generated class. Attributes: id (a UUIDv7 unless given), key, correlation, causation,
        traceparent, subject, dataschema, time.

        Raises ContractViolation or UnknownContract with an estate at hand, TransactionMissing in autocommit, and what
        the driver raises. `connection` is that of a DB-API driver, of SQLAlchemy (a Session too) or of Django.
        """
        row = self.row(event, data, **attributes)
        if run(connection, lambda style: insert(style, self._table), row) is not None:
            raise TypeError("This connection is asynchronous: await write_async(…).")
        return str(row["id"])

    async def write_async(
        self, connection: Any, event: str | object, data: Any = None, **attributes: str | None
    ) -> str:
        """`write` on an asynchronous connection: psycopg, asyncpg, aiosqlite, asyncmy, aiomysql, SQLAlchemy."""
        row = self.row(event, data, **attributes)
        await (run(connection, lambda style: insert(style, self._table), row) or _nothing())
        return str(row["id"])

    def emit(self, connection: Any, event: str | object, data: Any = None, **attributes: str | None) -> str:
        """`write` for a source with `mode = "logical"`: into PostgreSQL's log, with no row."""
        event_id, message = self._message(event, data, attributes)
        if run(connection, emit, message) is not None:
            raise TypeError("This connection is asynchronous: await emit_async(…).")
        return event_id

    async def emit_async(self, connection: Any, event: str | object, data: Any = None, **attributes: str | None) -> str:
        """`emit` on an asynchronous connection."""
        event_id, message = self._message(event, data, attributes)
        await (run(connection, emit, message) or _nothing())
        return event_id

    def row(
        self,
        event: str | object,
        data: Any = None,
        *,
        id: str | None = None,
        key: str | None = None,
        correlation: str | None = None,
        causation: str | None = None,
        traceparent: str | None = None,
        subject: str | None = None,
        dataschema: str | None = None,
        time: str | None = None,
    ) -> dict[str, str | None]:
        """The values of all columns, checked: for a driver that is not in the table, or a bulk insert."""
        event_type, content, version = _named(event, data)
        encoded = msgspec.json.encode(content)
        if self._contracts is not None:
            dataschema = _checked(self._contracts, event_type, encoded, dataschema or version)
        values = {
            "id": id or SystemIds().new_id(),
            "type": event_type,
            "source": self._source,
            "time": time or to_rfc3339(self._clock.now_us()),
            "subject": subject,
            "dataschema": dataschema or version,
            "partitionkey": key,
            "correlationid": correlation,
            "causationid": causation,
            "traceparent": traceparent,
            "data": encoded.decode(),
        }
        return {name: values[name] for name in COLUMNS}

    def _message(self, event: str | object, data: Any, attributes: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        row = self.row(event, data, **attributes)
        content = {"data": msgspec.Raw((row.pop("data") or "").encode())}
        given = {name: value for name, value in row.items() if value is not None}
        message = msgspec.json.encode({"attributes": given, **content}).decode()
        return str(row["id"]), {"prefix": self._table, "content": message}


async def _nothing() -> None:
    """For a synchronous connection in asynchronous code."""


def _named(event: str | object, data: Any) -> tuple[str, Any, str | None]:
    """Type, data and version; a type alone has none: that is the newest when it is relayed."""
    if isinstance(event, str):
        return event, data, None
    contract = getattr(type(event), "__contract__", None)
    if contract is None or data is not None:
        raise TypeError("An event is its type and data, or one instance of a generated class.")
    return str(contract), event, str(type(event).__version__)  # type: ignore[attr-defined]


def _contracts(root: Path) -> dict[tuple[str, str | None], EventContract]:
    """By type and version, and by type and None the newest. EstateInvalid when they cannot be read."""
    from interlock.estate.contract_files import sound_events

    found: dict[tuple[str, str | None], EventContract] = {}
    for contract in sound_events(root):
        found[contract.type, contract.version] = contract
        found[contract.type, None] = contract
    return found


def _checked(
    contracts: Mapping[tuple[str, str | None], EventContract], event_type: str, encoded: bytes, version: str | None
) -> str:
    """The version that it was held to: what the application was written against, also when the estate moves on."""
    from interlock.contracts.strict_json import parse

    contract = contracts.get((event_type, version))
    if contract is None:
        wanted = f"{event_type} {version}" if version else event_type
        raise UnknownContract(f"The estate declares no event {wanted}.")
    contract.check(parse(encoded, DEPTH))
    return contract.version
