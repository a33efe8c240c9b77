"""Statements that look many rows up go by the key of the table, whatever the planner has been told of its size."""

from __future__ import annotations

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresState, aside_sql, sql
from interlock.adapters.postgres.connection import _BY_KEY

LOOK_UPS = {
    "outbox, published": (aside_sql.OUTBOX_GONE, 2, "outbox"),
    "outbox, keys": (aside_sql.OUTBOX_KEYS, 2, "outbox"),
    "claims": (sql.CLAIM_FIND[0], 2, "claim_0"),
    "events": (sql.READ_MANY, 2, "log"),
    "marks": (sql.FIND_MARKS, 4, "handling"),
    "versions": (sql.FIND_VERSIONS, 2, "state"),
    "values": (sql.FIND_VALUES, 2, "state"),
    "counters": (sql.FIND_COUNTERS, 2, "counter"),
}


@pytest.mark.parametrize("name", LOOK_UPS)
async def test_a_table_that_was_counted_while_empty_is_read_by_its_key(name: str) -> None:
    """A join would compare each row of the table with each that is asked for: see `rows_sql.each`."""
    statement, parameters, table = LOOK_UPS[name]
    schema = postgres.new_schema(log="memory")
    await (await PostgresState.open_beside(postgres.database(), "memory", schema=schema)).close()
    with psycopg.connect(postgres.database(), autocommit=True, prepare_threshold=None) as connection:
        run = connection.execute
        for setting, value in {**_BY_KEY, "search_path": schema}.items():
            run(f"SET {setting} = {value}")  # type: ignore[call-overload]
        run(f"VACUUM ANALYZE {table}")  # type: ignore[call-overload]
        run(f"PREPARE asked AS {statement}")  # type: ignore[call-overload]
        rows = run(f"EXPLAIN EXECUTE asked({', '.join(['NULL'] * parameters)})").fetchall()  # type: ignore[call-overload]
    postgres.give_back(schema, log="memory")
    plan = "\n".join(row for (row,) in rows)
    assert "Index Cond" in plan, plan
    assert "Join Filter" not in plan, plan
