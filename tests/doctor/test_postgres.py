"""`interlock doctor` on PostgreSQL: real servers settings that keep promises and that break them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import postgres
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from interlock.adapters.postgres import PostgresStore
from interlock.adapters.postgres.examination import (
    Member,
    connections_finding,
    durability_findings,
    examine,
    format_finding,
    member_findings,
    pooler_finding,
    slots_finding,
    standby_finding,
    tls_finding,
    version_finding,
)
from interlock.adapters.system import SystemClock
from interlock.model.handling import HandlingState
from interlock.model.migration import Standing
from interlock.model.step import Step
from interlock.testing.postgres_server import running_server
from interlock.testing.samples import FLOW, TYPE, append, commit, event, handling, held, start, submit

from .desk import Desk
from .pooler import Pooler

GOOD = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "synchronous_standby_names": ""}


@pytest.fixture
def schema() -> Iterator[str]:
    name = postgres.new_schema()
    yield name
    postgres.give_back(name)


def on_postgres(desk: Desk, monkeypatch: pytest.MonkeyPatch, dsn: str, schema: str = "interlock") -> None:
    desk.settings(f'\n[stores]\nkind = "postgres"\nschema = "{schema}"\n')
    monkeypatch.setenv("INTERLOCK_POSTGRES", dsn)


def make(schema: str, partitions: int = 8) -> None:
    async def once() -> None:
        store = await PostgresStore.open(postgres.database(), schema=schema, partitions=partitions)
        await store.close()

    asyncio.run(once())


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[call-overload]


def test_a_sound_server(desk: Desk, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make(schema)
    on_postgres(desk, monkeypatch, postgres.database(), schema)
    code, found = desk.found()
    wrong = [one for one in found.values() if one["check"].startswith("PG_") and one["verdict"] != "ok"]
    wrong = [one for one in wrong if one["check"] != "PG_MEMBERS"]  # nobody runs on it
    assert (code, wrong) == (0, [])
    assert "flushed to the server's disk" in found["PG_FSYNC"]["said"]
    assert "the loss of that disk does" in found["PG_STANDBYS"]["said"]
    assert found["RECORD_BOOKS"]["verdict"] == "ok"


def test_a_server_whose_settings_break_promises(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    lax = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "autovacuum": "off"}
    with running_server(**lax, synchronous_standby_names="FIRST 1 (ghost)") as server:
        on_postgres(desk, monkeypatch, server.dsn())
        code, found = desk.found()
        assert code == 1
        for check in ("PG_FSYNC", "PG_FULL_PAGE_WRITES", "PG_SYNCHRONOUS_COMMIT", "PG_STANDBYS"):
            assert (found[check]["verdict"], found[check]["promise"]) == ("broken", "Accepted is durable"), found[check]
        assert "loses what was accepted" in found["PG_SYNCHRONOUS_COMMIT"]["said"]
        assert "nothing is accepted" in found["PG_STANDBYS"]["said"]
        assert found["PG_VACUUM"]["verdict"] == "warn"
        text = desk.told()[1].splitlines()
        at = text.index("broken   PG_FSYNC  Accepted is durable")
        assert text[at + 2] == "   Set fsync = on in postgresql.conf and reload. The start is refused until then."
    code, found = desk.found()
    assert (code, found["PG_REACHED"]["verdict"]) == (2, "unknown")
    assert "does not answer" in found["PG_REACHED"]["said"]


def test_a_setting_of_the_role_alone_is_seen(desk: Desk, schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(
        postgres.database(), "DROP ROLE IF EXISTS lax_role", "CREATE ROLE lax_role LOGIN",
        "ALTER ROLE lax_role SET synchronous_commit = off",
    )  # fmt: skip
    on_postgres(desk, monkeypatch, make_conninfo(postgres.database(), user="lax_role"), schema)
    code, found = desk.found()
    assert (code, found["PG_SYNCHRONOUS_COMMIT"]["verdict"]) == (1, "broken")
    assert found["PG_TRANSACTIONS"]["verdict"] == "unknown"
    make(schema)
    assert "may not read and write" in desk.found()[1]["PG_SCHEMA"]["said"]
    execute(postgres.database(), "DROP ROLE lax_role")


def test_a_schema_that_does_not_fit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = postgres.new_schema(4)
    make(schema, partitions=4)
    on_postgres(desk, monkeypatch, postgres.database(), schema)
    execute(postgres.database(), f"ALTER TABLE {schema}.log SET UNLOGGED")
    code, found = desk.found()
    assert (code, found["PG_PARTITIONS"]["next_step"]) == (1, "Set stores.partitions = 4.")
    assert (found["PG_UNLOGGED"]["verdict"], "log" in found["PG_UNLOGGED"]["said"]) == ("broken", True)
    execute(postgres.database(), f"UPDATE {schema}.meta SET value = '99' WHERE name IN ('format', 'oldest')")
    assert desk.found()[1]["PG_SCHEMA"]["verdict"] == "broken"
    execute(postgres.database(), f"DROP SCHEMA {schema} CASCADE")


def test_a_variable_that_is_not_set(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    on_postgres(desk, monkeypatch, "")
    code, found = desk.found()
    assert (code, found["STORE_KIND"]["verdict"]) == (2, "unknown")
    assert "export INTERLOCK_POSTGRES=" in found["STORE_KIND"]["next_step"]


def test_no_password_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    on_postgres(desk, monkeypatch, "postgresql://shop:hunter2-hunter2@127.0.0.1:9/shop")
    assert "hunter2" not in desk.told("--json")[1] + desk.told()[1]


@pytest.mark.parametrize(
    ("settings", "verdicts"),
    [
        ({}, ["ok", "ok", "ok"]),
        ({"fsync": "off"}, ["broken", "ok", "ok"]),
        ({"full_page_writes": "off"}, ["ok", "broken", "ok"]),
        ({"synchronous_commit": "off"}, ["ok", "ok", "broken"]),
        ({"synchronous_commit": "local"}, ["ok", "ok", "ok"]),
        ({"synchronous_commit": "local", "synchronous_standby_names": "a"}, ["ok", "ok", "warn"]),
        ({"synchronous_commit": "remote_apply"}, ["ok", "ok", "ok"]),
    ],
)
def test_durability(settings: dict[str, str], verdicts: list[str]) -> None:
    assert [one.verdict for one in durability_findings({**GOOD, **settings})] == verdicts


@pytest.mark.parametrize(
    ("names", "standbys", "sees_all", "verdict"),
    [
        ("", [], True, "ok"),
        ("a", [], True, "broken"),
        ("a", [("a", "streaming", "sync", 3)], True, "ok"),
        ("a", [("a", "streaming", "sync", 60_000)], True, "warn"),
        ("ANY 2 (a, b, c)", [("a", "streaming", "quorum", 1)], True, "broken"),
        ("2 (a, b)", [("a", "streaming", "sync", 1), ("b", "streaming", "sync", 1)], True, "ok"),
        ("a", [("?", "?", "?", 0)], False, "unknown"),
    ],
)
def test_standbys(names: str, standbys: list[tuple[str, str, str, int]], sees_all: bool, verdict: str) -> None:
    found = standby_finding({**GOOD, "synchronous_standby_names": names}, standbys, sees_all)
    assert found.verdict == verdict, found


def test_the_rest_of_a_server() -> None:
    assert [version_finding(number, "x").verdict for number in (140005, 150000, 180000)] == ["broken", "ok", "ok"]
    room = {"max_connections": "20", "superuser_reserved_connections": "3"}
    assert [connections_finding(room, used).verdict for used in (11, 12)] == ["ok", "warn"]
    assert [pooler_finding(7, other).verdict for other in (7, 8)] == ["broken", "ok"]
    near = [("/run/pg", "", False), ("localhost", "127.0.0.1", False), ("db.example", "10.0.0.7", True)]
    assert [tls_finding(*one).verdict for one in near] == ["ok", "ok", "ok"]
    assert tls_finding("db.example", "10.0.0.7", False).verdict == "warn"
    assert [slots_finding([("old", size)]).verdict for size in (5, 5 << 30)] == ["ok", "warn"]
    formats = [Standing(0, 0), Standing(99, 99), Standing(99, 1)]
    assert [format_finding("s", standing, 0).verdict for standing in formats] == ["warn", "broken", "ok"]


def test_a_role_that_may_not_make_the_schema(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(postgres.database(), "DROP ROLE IF EXISTS poor_role", "CREATE ROLE poor_role LOGIN")
    on_postgres(desk, monkeypatch, make_conninfo(postgres.database(), user="poor_role"), "nobody_made_this")
    code, found = desk.found()
    assert (code, found["PG_SCHEMA"]["verdict"]) == (1, "broken")
    assert "CREATE SCHEMA nobody_made_this AUTHORIZATION" in found["PG_SCHEMA"]["next_step"]
    execute(postgres.database(), "DROP ROLE poor_role")


NAMES = ("PG_MEMBERS", "PG_LEASES", "PG_ALIKE")
ONE = Member(3, "a:1", True, -8.0, 10.0, "0.1.0", "e" * 64, "s" * 64)
OTHER = ONE._replace(epoch=4, name="b:2")


@pytest.mark.parametrize(
    ("members", "leases", "verdicts", "said"),
    [
        ([], {0: 0}, ["warn"], "No process"),
        ([ONE, OTHER], {0: 3, 1: 4}, ["ok", "ok", "ok"], "a:1, b:2"),
        ([ONE, OTHER._replace(late_seconds=40.0)], {0: 3, 1: 4}, ["warn", "ok", "ok"], "b:2 (40 s)"),
        ([ONE], {0: 3, 1: 0, 2: 4}, ["ok", "warn", "ok"], "a:1"),
        ([ONE, OTHER._replace(settings="t" * 64)], {0: 3, 1: 4}, ["ok", "ok", "warn"], "a:1"),
        ([ONE, OTHER._replace(lease_seconds=5.0)], {0: 3, 1: 4}, ["ok", "ok", "warn"], "a:1"),
    ],
)
def test_members(members: list[Member], leases: dict[int, int], verdicts: list[str], said: str) -> None:
    found = member_findings(members, leases)
    assert [one.verdict for one in found] == verdicts
    assert [one.check for one in found] == list(NAMES[: len(found)])
    assert said in found[0].said


def test_members_of_a_schema(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = postgres.new_schema(2)
    make(schema, partitions=2)
    execute(
        postgres.database(), f"SET search_path = {schema}",
        "CREATE TABLE IF NOT EXISTS member(epoch bigint PRIMARY KEY, name text NOT NULL, runs_flows boolean NOT NULL, "
        "flows integer[] NOT NULL, until timestamptz NOT NULL, lease_seconds double precision NOT NULL)",
        "CREATE TABLE IF NOT EXISTS lease(partition integer PRIMARY KEY, epoch bigint NOT NULL)",
        "INSERT INTO lease VALUES (0, 0), (1, 0) ON CONFLICT (partition) DO UPDATE SET epoch = excluded.epoch",
        "INSERT INTO member VALUES (1, 'here:7', true, '{}', 'infinity', 10), "
        "(2, 'there:8', true, '{}', clock_timestamp() - interval '1 minute', 10)",
        "UPDATE lease SET epoch = 1 WHERE partition = 0",
    )  # fmt: skip
    desk.settings(f'\n[stores]\nkind = "postgres"\nschema = "{schema}"\npartitions = 2\n')
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    _, found = desk.found()
    assert "there:8 (60 s)" in found["PG_MEMBERS"]["said"]
    assert "the partitions 1:" in found["PG_LEASES"]["said"]
    assert found["PG_ALIKE"]["verdict"] == "ok"
    execute(postgres.database(), f"DROP SCHEMA {schema} CASCADE")


async def test_a_pooler_in_transaction_mode_is_seen(schema: str) -> None:
    async with Pooler(postgres.database()) as pooler:
        found = {one.check: one for one in await examine(pooler.dsn, schema, 8, SystemClock())}
    assert (found["PG_POOLER"].verdict, found["PG_POOLER"].promise) == ("broken", "Final states are final")
    assert "set the pooler's pool_mode to session" in found["PG_POOLER"].next_step


async def test_parked_events_are_counted(schema: str) -> None:
    store = await PostgresStore.open(postgres.database(), schema=schema)
    epoch = await store.acquire(start(), {FLOW: [TYPE]})
    await append(store, [event(1)])
    kept = held(1, HandlingState.PARKED)
    await submit(store, commit(epoch, Step(handling=handling(1, HandlingState.PARKED), hold=kept)))
    found = {one.check: one for one in await examine(postgres.database(), schema, 8, SystemClock())}
    assert "1 events of 1 keys are parked" in found["RECORD_PARKED"].said
    await store.close()
