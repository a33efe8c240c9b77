"""Steps of the schema beside engines at work: expand at once, contract when nobody older is there. And the rules of
both, held against the steps that there are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import postgres
import psycopg
import pytest
from next_release import EXPAND, NEXT, NOW, release

from interlock.adapters.postgres import PostgresSchemas, PostgresStore, schema, sql
from interlock.adapters.postgres.archive import PostgresArchive
from interlock.model.migration import TOLD_SINCE, Migration, Standing
from interlock.model.problems import AlreadyRunning, FormatUnsupported, StorageUnavailable
from interlock.model.step import Step
from interlock.testing.samples import FLOW, TYPE, commit, event, start, submit
from interlock.testing.samples import append as appended
from interlock.testing.steps import puts

EXPANSION = Migration(EXPAND)
CONTRACTION = Migration("ALTER TABLE state DROP COLUMN next_note", oldest=NEXT)


async def opened(name: str) -> PostgresStore:
    return await PostgresStore.open(postgres.database(), schema=name)


async def joined(store: PostgresStore, name: str, lease_seconds: float = 60.0) -> int:
    return await store.join(start(), {FLOW: [TYPE]}, name, runs_flows=True, lease_seconds=lease_seconds)


def standing(name: str) -> Standing:
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        return Standing.of(dict(connection.execute(f"SELECT name, value FROM {name}.meta").fetchall()))  # type: ignore[call-overload]


@pytest.fixture
async def spoilt() -> AsyncIterator[str]:
    """A schema that nobody uses again."""
    name = postgres.new_schema(log="to be spoilt")
    yield name
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")  # type: ignore[call-overload]


@asynccontextmanager
async def closing(*stores: PostgresStore) -> AsyncIterator[None]:
    try:
        yield
    finally:
        for store in stores:
            await store.close()


async def test_a_schema_tells_who_may_work_on_it(spoilt: str) -> None:
    await (await opened(spoilt)).close()
    assert standing(spoilt) == Standing(NOW, 3)
    with release(EXPANSION):
        await (await opened(spoilt)).close()
    assert standing(spoilt) == Standing(NEXT, 3)
    for opening in (PostgresStore, PostgresSchemas):
        await (await opening.open(postgres.database(), schema=spoilt)).close()
    assert standing(spoilt) == Standing(NEXT, 3), "who is older changes nothing"
    with pytest.raises(FormatUnsupported, match=f"format {NEXT}; this release knows all .* up to {NOW}"):
        await PostgresArchive.open(postgres.database(), schema=spoilt)
    with release(EXPANSION, CONTRACTION):
        await (await opened(spoilt)).close()
    assert standing(spoilt) == Standing(NEXT + 1, NEXT)
    for opening in (PostgresStore, PostgresSchemas, PostgresArchive):
        with pytest.raises(FormatUnsupported, match=f"for releases of format {NEXT} and newer") as problem:
            await opening.open(postgres.database(), schema=spoilt)
        assert "a newer one" in problem.value.step


async def test_who_is_older_is_named_and_waited_for(spoilt: str) -> None:
    old, gone = await opened(spoilt), await opened(spoilt)
    async with closing(old, gone):
        epoch = await joined(old, "host-7/worker-1")
        named = r"there still work: host-7/worker-1 \(release "
        with release(EXPANSION, CONTRACTION), pytest.raises(AlreadyRunning, match=named) as problem:
            await opened(spoilt)
        assert "Nothing was changed" in problem.value.step
        assert standing(spoilt) == Standing(NOW, 3)
        assert await submit(old, commit(epoch, Step(result=puts("a")))) == [None]

        with release(EXPANSION):
            new = await opened(spoilt)
            await joined(new, "host-7/worker-2")
        async with closing(new):
            await old.leave(epoch)
            with release(EXPANSION, CONTRACTION):
                await (await opened(spoilt)).close()
        with pytest.raises(FormatUnsupported):
            await joined(gone, "opened before, and late")
        with pytest.raises(FormatUnsupported):
            await gone.acquire(start(), {FLOW: [TYPE]})


async def test_who_is_late_is_ended_and_not_waited_for(spoilt: str) -> None:
    old = await opened(spoilt)
    async with closing(old):
        await joined(old, "paused", lease_seconds=0.01)
        await asyncio.sleep(0.02)
        with release(EXPANSION, CONTRACTION):
            await (await opened(spoilt)).close()


async def test_an_owner_who_lives_is_waited_for_and_a_dead_one_not(spoilt: str) -> None:
    old = await opened(spoilt)
    async with closing(old):
        await old.own_alone(1.0)
        await old.acquire(start(), {FLOW: [TYPE]})
        named = "an engine that owns the store alone"
        with release(EXPANSION, CONTRACTION), pytest.raises(AlreadyRunning, match=named):
            await opened(spoilt)
    with release(EXPANSION, CONTRACTION):
        await (await opened(spoilt)).close()


async def test_both_write_while_the_schema_is_expanded(spoilt: str) -> None:
    """One of now begins alone, one of the next release joins while it writes; each loses nothing."""
    old = await opened(spoilt)
    epoch = await joined(old, "now")
    told: dict[str, int] = {"now": 0, "next": 0}
    ending = asyncio.Event()

    async def write(store: PostgresStore, name: str, mine: int) -> None:
        while not ending.is_set():
            number = told[name]
            await appended(store, [event(number, source=name)])
            assert await submit(store, commit(mine, Step(result=puts(f"{name} {number}")))) == [None]
            told[name] += 1

    writing = [asyncio.create_task(write(old, "now", epoch))]
    await until(lambda: writing[0].done() or told["now"] >= 20)
    with release(EXPANSION):
        new = await opened(spoilt)
        mine = await joined(new, "next")
    async with closing(old, new):
        before = dict(told)
        writing.append(asyncio.create_task(write(new, "next", mine)))
        enough = before["now"] + 20
        await until(lambda: writing[0].done() or (told["next"] >= 20 and told["now"] >= enough))
        ending.set()
        await asyncio.gather(*writing)
        for store in (old, new):
            assert sum(await store.heads()) == sum(told.values())
            for name, count in told.items():
                assert await store.get("orders", f"{name} {count - 1}") is not None


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_a_reader_that_does_not_end_stops_a_migration_and_not_the_writers(
    spoilt: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "LOCK_SECONDS", 0.3)
    monkeypatch.setattr(schema, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(schema, "TRIES", 2)
    old = await opened(spoilt)
    async with closing(old):
        epoch = await joined(old, "now")
        with psycopg.connect(postgres.database()) as reader:
            reader.execute(f"SELECT count(*) FROM {spoilt}.state")  # type: ignore[call-overload]
            with release(EXPANSION):
                migrating = asyncio.create_task(opened(spoilt))
                while not migrating.done():
                    told = await asyncio.wait_for(submit(old, commit(epoch, Step(result=puts("a")))), 5)
                    assert told == [None]
                with pytest.raises(StorageUnavailable, match="held by others") as problem:
                    await migrating
            assert "interlock doctor" in problem.value.step
        assert standing(spoilt) == Standing(NOW, 3)
        with release(EXPANSION):
            await (await opened(spoilt)).close()
        assert standing(spoilt).format == NEXT


# The rules of an expand step

TAKES_AWAY = {
    "takes something away": r"\bDROP\b|\bTRUNCATE\b|\bDELETE\s+FROM\b",
    "gives something another name": r"\bRENAME\b",
    "gives a column another type": r"\bALTER\s+(COLUMN\s+)?\w+\s+(SET\s+DATA\s+)?TYPE\b",
    "wants of old rows, or of older writers, what they do not give": r"\bSET\s+NOT\s+NULL\b|"
    r"\bADD\s+(COLUMN\s+)?\w+\s+(?![^,;]*\bDEFAULT\b)[^,;]*\bNOT\s+NULL\b|\bADD\s+(CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY)\b",
    "writes the whole table anew": r"\bSET\s+(LOGGED|UNLOGGED|TABLESPACE|ACCESS)\b|"
    r"\bADD\s+(COLUMN\s+)?\w+\s+[^,;]*(\bGENERATED\b|\bSERIAL\b|\bBIGSERIAL\b|\bDEFAULT\s+\w*\s*\()",
    "changes what a function does to older callers": r"\bCREATE\s+OR\s+REPLACE\b",
    "refuses what older writers write": r"\bCREATE\s+(UNIQUE\s+INDEX|TRIGGER|RULE)\b",
    "is more than adding": r"\bALTER\s+COLUMN\b",
}
MADE = re.compile(r"\bCREATE\s+TABLE\s+(\w+)\b[^;]*;", re.IGNORECASE)
INDEX = re.compile(r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\b[^;]*?\bON\s+(?:ONLY\s+)?(\w+)[^;]*", re.IGNORECASE)
# Read and written all the time, and of any size: an index on one of them keeps writers out until it is built.
GROWING = (
    "log",
    "handling",
    "failed_attempt",
    "delivery",
    "delivery_attempt",
    "state",
    "claim_0",
    "claim_1",
    "claim_2",
)


def faults(script: str) -> list[str]:
    """Why releases of before could not go on beside the script, or on its outcome."""
    fresh = set(MADE.findall(script))
    rest = INDEX.sub(lambda made: "" if made[1] in fresh else made[0], MADE.sub("", script))
    found = [rule for rule, pattern in TAKES_AWAY.items() if re.search(pattern, rest, re.IGNORECASE)]
    found += [f"keeps writers of {table} out for long" for table in INDEX.findall(rest) if table in GROWING]
    return found


@pytest.mark.parametrize("number", sorted(number for number in sql.MIGRATIONS if number >= TOLD_SINCE - 1))
def test_a_step_that_says_it_only_adds_only_adds(number: int) -> None:
    migration = sql.MIGRATIONS[number]
    if migration.oldest is None:
        assert faults(migration.script) == []
    else:
        assert migration.oldest <= number + 1, "no release could work on it"
        assert migration.oldest > TOLD_SINCE - 1


def test_every_format_is_led_to() -> None:
    assert sorted(sql.MIGRATIONS) == list(range(1, sql.FORMAT))


@pytest.mark.parametrize(
    "script",
    [
        "DROP TABLE outbox",
        "ALTER TABLE log DROP COLUMN trace",
        "ALTER TABLE log RENAME COLUMN trace TO span",
        "ALTER TABLE log RENAME TO events",
        "ALTER TABLE handling ALTER COLUMN attempts TYPE bigint",
        "ALTER TABLE handling ALTER attempts SET DATA TYPE bigint",
        "ALTER TABLE log ALTER COLUMN trace SET NOT NULL",
        "ALTER TABLE state ALTER COLUMN value DROP NOT NULL",
        "ALTER TABLE log ADD COLUMN region text NOT NULL",
        "ALTER TABLE log ADD region text NOT NULL, ADD zone text",
        "ALTER TABLE log ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE log ADD COLUMN made timestamptz DEFAULT clock_timestamp()",
        "ALTER TABLE log ADD CONSTRAINT sure CHECK (position > 0)",
        "ALTER TABLE log SET UNLOGGED",
        "CREATE UNIQUE INDEX one ON name(text)",
        "CREATE INDEX long ON log(time_us)",
        "CREATE INDEX long ON ONLY log(time_us)",
        "CREATE TRIGGER t BEFORE INSERT ON head EXECUTE FUNCTION f()",
        "CREATE OR REPLACE FUNCTION must() RETURNS void AS ''",
        "TRUNCATE duplicate",
        "DELETE FROM writer",
    ],
)
def test_the_rules_find(script: str) -> None:
    assert faults(script)


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE fresh(id bigint PRIMARY KEY, note text NOT NULL); CREATE UNIQUE INDEX ours ON fresh(note)",
        "CREATE TABLE fresh(id bigint NOT NULL); CREATE INDEX ours ON fresh(id)",
        "ALTER TABLE log ADD COLUMN region text",
        "ALTER TABLE log ADD COLUMN region text NOT NULL DEFAULT ''",
        "CREATE INDEX member_name ON member(name)",
        "CREATE FUNCTION shout(what text) RETURNS text LANGUAGE sql AS 'SELECT upper(what)'",
    ],
)
def test_the_rules_let_pass(script: str) -> None:
    assert faults(script) == []
