"""How each driver takes a statement, and how it tells that a transaction is open: a table, by the connection's class.

A driver is recognised by the module of its class, so that none has to be installed for the others' sake.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from interlock.model.problems import TransactionMissing
from interlock.outbox.statement import Style

Values = Mapping[str, Any]
IDLE = 0  # of libpq's transaction status
IN_TRANSACTION = 1  # SERVER_STATUS_IN_TRANS of the MySQL protocol


class Driver(NamedTuple):
    """`run` executes; its result is awaited when it can be. `open` says whether what it executes can be undone."""

    style: Style
    run: Callable[[Any, str, Values], Any]
    open: Callable[[Any], bool]


def _direct(connection: Any, statement: str, values: Values) -> Any:
    return connection.execute(statement, tuple(values.values()))


def _spread(connection: Any, statement: str, values: Values) -> Any:
    return connection.execute(statement, *values.values())


def _by_name(connection: Any, statement: str, values: Values) -> Any:
    from sqlalchemy import text

    return connection.execute(text(statement), dict(values))


def _cursor(connection: Any, statement: str, values: Values) -> Any:
    cursor = connection.cursor()
    if hasattr(cursor, "__aenter__"):
        return _awaited_cursor(cursor, statement, values)
    try:
        cursor.execute(statement, tuple(values.values()))
    finally:
        cursor.close()
    return None


async def _awaited_cursor(opening: Any, statement: str, values: Values) -> None:
    async with opening as cursor:
        await cursor.execute(statement, tuple(values.values()))


def _open_sqlite3(connection: Any) -> bool:
    """Legacy mode opens a transaction before an INSERT by itself; with isolation_level None only BEGIN does."""
    if connection.in_transaction:
        return True
    # Python 3.12: True commits each statement, False keeps a transaction open; -1 is the legacy mode.
    mode = getattr(connection, "autocommit", -1)
    return not mode if isinstance(mode, bool) else connection.isolation_level is not None


def _open_libpq(connection: Any) -> bool:
    return not connection.autocommit or connection.info.transaction_status != IDLE


def _open_pymysql(connection: Any) -> bool:
    return not connection.get_autocommit() or bool(connection.server_status & IN_TRANSACTION)


def _open_mysql_connector(connection: Any) -> bool:
    return not connection.autocommit or bool(connection.in_transaction)


def _open_sqlalchemy(connection: Any) -> bool:
    """It begins by itself, unless the connection or its engine was told to commit each statement."""
    told = getattr(connection, "get_execution_options", None)
    if told is not None and "isolation_level" in told():
        return bool(told()["isolation_level"] != "AUTOCOMMIT")
    dialect = connection.dialect if hasattr(connection, "dialect") else connection.get_bind().dialect
    return getattr(dialect, "_on_connect_isolation_level", None) != "AUTOCOMMIT"


def _open_django(connection: Any) -> bool:
    return not connection.get_autocommit() or bool(connection.in_atomic_block)


DRIVERS: dict[str, Driver] = {
    "sqlite3": Driver("qmark", _direct, _open_sqlite3),
    "aiosqlite": Driver("qmark", _direct, _open_sqlite3),
    "apsw": Driver("qmark", _direct, lambda connection: bool(connection.in_transaction)),
    "psycopg": Driver("format", _direct, _open_libpq),
    "psycopg2": Driver("format", _cursor, _open_libpq),
    "asyncpg": Driver("numeric", _spread, lambda connection: bool(connection.is_in_transaction())),
    "pymysql": Driver("format", _cursor, _open_pymysql),
    "MySQLdb": Driver("format", _cursor, lambda connection: not connection.get_autocommit()),
    "mariadb": Driver("qmark", _cursor, lambda connection: not connection.autocommit),
    "mysql": Driver("format", _cursor, _open_mysql_connector),
    "asyncmy": Driver("format", _cursor, _open_pymysql),
    "aiomysql": Driver("format", _cursor, lambda connection: not connection.get_autocommit()),
    "sqlalchemy": Driver("named", _by_name, _open_sqlalchemy),
    "django": Driver("format", _cursor, _open_django),
}


def driver_of(connection: Any) -> Driver:
    """By its class, or a class that it inherits from. TypeError for what is no connection of a known driver."""
    for kind in type(connection).__mro__:
        found = DRIVERS.get(kind.__module__.partition(".")[0])
        if found is not None:
            return found
    kind = type(connection)
    raise TypeError(
        f"{kind.__module__}.{kind.__qualname__} is no connection of a known driver ({', '.join(sorted(DRIVERS))}). "
        "Execute insert(style) with the values of Outbox.row(…) on it yourself."
    )


def run(connection: Any, statement: Callable[[Style], str], values: Values) -> Any:
    """Execute within the caller's transaction; something to await when the driver is asynchronous, else None.

    TransactionMissing when there is none: the event would be committed by itself.
    """
    driver = driver_of(connection)
    if not driver.open(connection):
        raise TransactionMissing("The connection is in autocommit and no transaction is open on it.")
    result = driver.run(connection, statement(driver.style), values)
    return result if inspect.isawaitable(result) else None
