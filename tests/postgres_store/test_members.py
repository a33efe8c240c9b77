"""Several members change the same cells at once. Each guard is also taken away, to see that it is missed."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import postgres
import psycopg
import pytest

from interlock.adapters.postgres import PostgresStore, sql
from interlock.adapters.postgres.columns import Statement
from interlock.model.problems import (
    AlreadyHandled,
    AlreadyRunning,
    CounterRefused,
    Fenced,
    Problem,
    StaleRead,
)
from interlock.model.record import DeliveryState
from interlock.model.step import Put, Read, Step, StepResult
from interlock.testing.samples import (
    FLOW,
    TYPE,
    answer,
    commit,
    delivered,
    delivery,
    event,
    handling,
    start,
    submit,
)
from interlock.testing.steps import problem_of, puts, refill, take

from .member_process import AT_ONCE, CELLS, ROUNDS, STOCK, work

LEASE_SECONDS = 60.0


class Worker(NamedTuple):
    store: PostgresStore
    epoch: int

    async def submit(self, *steps: Step) -> list[Problem | None]:
        return await submit(self.store, commit(self.epoch, *steps))


@asynccontextmanager
async def members(schema: str, count: int = 2) -> AsyncIterator[list[Worker]]:
    stores = [await PostgresStore.open(postgres.database(), schema=schema) for _ in range(count)]
    try:
        yield [Worker(store, await joined(store)) for store in stores]
    finally:
        for store in stores:
            await store.close()


async def joined(store: PostgresStore, lease_seconds: float = LEASE_SECONDS) -> int:
    return await store.join(start(), {FLOW: [TYPE]}, "host", runs_flows=True, lease_seconds=lease_seconds)


async def at_once(first: Worker, second: Worker, one: Step, other: Step) -> list[Problem | None]:
    """Both have looked when the first writes; the second writes before the first has committed."""
    looked, written, go = asyncio.Event(), asyncio.Event(), asyncio.Event()
    slow, quick = first.store._session, second.store._session
    genuine, genuine_too = slow.write, quick.write

    async def write_then_wait(statements: Sequence[Statement], partitions: Sequence[int], *, begun: bool) -> list[int]:
        slow.write = genuine  # type: ignore[method-assign]
        await looked.wait()
        for statement, bindings in ((sql.BEGIN, ()), *statements):
            await slow.live.execute(statement.encode(), bindings)
        written.set()
        await go.wait()
        return await genuine((), partitions, begun=True)

    async def wait_then_write(statements: Sequence[Statement], partitions: Sequence[int], *, begun: bool) -> list[int]:
        quick.write = genuine_too  # type: ignore[method-assign]
        looked.set()
        await written.wait()
        return await genuine_too(statements, partitions, begun=begun)

    slow.write, quick.write = write_then_wait, wait_then_write  # type: ignore[method-assign]
    both = [asyncio.create_task(first.submit(one)), asyncio.create_task(second.submit(other))]
    await asyncio.wait_for(written.wait(), 20)
    async with asyncio.timeout(20):
        while not both[1].done() and not await waits(quick.live.info.backend_pid):  # noqa: ASYNC110 - a server's state
            await asyncio.sleep(0.01)
    go.set()
    return [outcome[0] for outcome in await asyncio.wait_for(asyncio.gather(*both), 20)]


async def waits(backend: int) -> bool:
    """Whether that session of the server waits for another one's lock."""
    async with await psycopg.AsyncConnection.connect(postgres.database()) as connection:
        found = await connection.execute("SELECT cardinality(pg_blocking_pids(%s)) > 0", (backend,))
        row = await found.fetchone()
        return row is not None and bool(row[0])


Story = Callable[[str], Awaitable[None]]


async def no_update_is_lost(schema: str) -> None:
    async with members(schema) as (first, second):
        await first.submit(Step(result=puts("a", b"0")))
        seen = await first.store.get("orders", "a")
        assert seen is not None
        steps = [Step(result=puts("a", value, seen.version)) for value in (b"1", b"2")]
        found = await at_once(first, second, *steps)
        assert {type(problem) for problem in found} == {type(None), StaleRead}
        now = await first.store.get("orders", "a")
        assert now is not None
        assert now.value == (b"1" if found[0] is None else b"2")


async def a_cell_is_made_once(schema: str) -> None:
    async with members(schema) as (first, second):
        steps = [Step(result=puts("new", value, 0)) for value in (b"1", b"2")]
        found = await at_once(first, second, *steps)
        assert {type(problem) for problem in found} == {type(None), StaleRead}


def crossed(mine: str, other: str, version: int = 0) -> Step:
    return Step(result=StepResult(reads=(Read("orders", other, version),), puts=(Put("orders", mine, b"1"),)))


async def what_was_absent_stays_absent_until_the_commit(schema: str) -> None:
    """Each makes a cell because the other one's is not there."""
    async with members(schema) as (first, second):
        found = await at_once(first, second, crossed("a", "b"), crossed("b", "a"))
        assert {type(problem) for problem in found} == {type(None), StaleRead}
        stored = [await first.store.get("orders", key) for key in "ab"]
        assert [value is None for value in stored].count(True) == 1


async def what_was_only_read_stays_until_the_commit(schema: str) -> None:
    async with members(schema) as (first, second):
        await first.submit(Step(result=puts("a")), Step(result=puts("b")))
        versions = [value.version for key in "ab" if (value := await first.store.get("orders", key))]
        found = await at_once(first, second, crossed("a", "b", versions[1]), crossed("b", "a", versions[0]))
        assert {type(problem) for problem in found} == {type(None), StaleRead}


async def nothing_is_oversold(schema: str) -> None:
    async with members(schema) as (first, second):
        await first.submit(Step(result=refill("s", 5)))
        found = await at_once(first, second, Step(result=take("s", 3)), Step(result=take("s", 4)))
        assert {type(problem) for problem in found} == {type(None), CounterRefused}
        assert await first.store.counter("stock", "s") in (1, 2)


async def adds_of_both_count(schema: str) -> None:
    async with members(schema) as (first, second):
        found = await at_once(first, second, Step(result=refill("s", 5)), Step(result=refill("s", 7)))
        assert found == [None, None]
        assert await first.store.counter("stock", "s") == 12


async def a_scope_has_one_answer(schema: str) -> None:
    async with members(schema) as (first, second):
        steps = [Step(result=refill("s", 1), answer=answer("scope", body=body)) for body in (b"1", b"2")]
        found = await at_once(first, second, *steps)
        assert {type(problem) for problem in found} == {type(None), AlreadyHandled}
        kept = await first.store.answer("scope", answer("scope").at_us)
        assert kept is not None
        assert kept.body == (b"1" if found[0] is None else b"2")
        assert await first.store.counter("stock", "s") == 1


async def a_delivery_ends_once(schema: str) -> None:
    async with members(schema) as (first, second):
        await first.submit(Step(result=StepResult(calls=(delivery("d"),))))
        states = (DeliveryState.SUCCEEDED, DeliveryState.DEAD)
        steps = [
            Step(result=refill("s", 1), delivery=delivered(delivery("d"), state, attempt))
            for attempt, state in enumerate(states, 1)
        ]
        found = await at_once(first, second, *steps)
        assert {type(problem) for problem in found} == {type(None), AlreadyHandled}
        assert await first.store.counter("stock", "s") == 1


async def who_is_gone_between_look_and_write_writes_nothing(schema: str) -> None:
    async with members(schema) as (first, second):
        await first.store.claim(first.epoch, [0, 1])
        genuine = first.store._session.write

        async def late(*arguments: object, **options: object) -> Sequence[int]:
            first.store._session.write = genuine  # type: ignore[method-assign]
            await second.store.leave(first.epoch)
            return await genuine(*arguments, **options)  # type: ignore[arg-type]

        first.store._session.write = late  # type: ignore[method-assign]
        step = Step(handling=handling(1), result=StepResult(puts=puts("a").puts, emits=(event(7, 2),)))
        assert isinstance(await problem_of(first.submit(step)), Fenced)
        assert await second.store.get("orders", "a") is None
        assert (await second.store.read(2, 0, 10)).events == ()


async def who_gave_a_partition_back_writes_nothing_there(schema: str) -> None:
    async with members(schema) as (first, second):
        await first.store.claim(first.epoch, [0])
        await first.store.release(first.epoch, [0])
        await second.store.claim(second.epoch, [0])
        assert isinstance(await problem_of(first.submit(Step(handling=handling(1)))), Fenced)
        assert await second.submit(Step(handling=handling(1))) == [None]


STORIES: list[Story] = [
    no_update_is_lost,
    a_cell_is_made_once,
    what_was_absent_stays_absent_until_the_commit,
    what_was_only_read_stays_until_the_commit,
    nothing_is_oversold,
    adds_of_both_count,
    a_scope_has_one_answer,
    a_delivery_ends_once,
    who_is_gone_between_look_and_write_writes_nothing,
    who_gave_a_partition_back_writes_nothing_there,
]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_two_members(schema: str, story: Story) -> None:
    await story(schema)


def without(statement: str, *parts: tuple[str, str]) -> str:
    for part, instead in parts:
        assert part in statement
        statement = statement.replace(part, instead)
    return statement


def careless(statement: str) -> str:
    """Changes what it finds, and does not count."""
    begin = statement.rindex(" SELECT must((SELECT count(*) FROM changed) = ")
    counted = statement[begin:].removeprefix(" SELECT must((SELECT count(*) FROM changed) = ").partition(",")[0]
    return f"{statement[:begin]} SELECT {counted}"


PLANTED: list[tuple[dict[str, str], Story]] = [
    ({"STATE_HOLD": without(sql.STATE_HOLD, ("count(*) = 0", "count(*) >= 0"))}, no_update_is_lost),
    ({"STATE_HOLD": without(sql.STATE_HOLD, ("SHARE", "KEY SHARE"))}, what_was_only_read_stays_until_the_commit),
    ({"STATE_NEW": sql.STATE_PUT}, a_cell_is_made_once),
    (
        {
            "ABSENT_NEW": "SELECT $1::bigint[], $2::text[]",
            "STATE_HOLD": without(sql.STATE_HOLD, ("r.version)", "r.version, 0)")),
        },
        what_was_absent_stays_absent_until_the_commit,
    ),
    ({"COUNTER_ADD": without(sql.COUNTER_ADD, ("NOT BETWEEN w.low AND w.high", "IS NULL"))}, nothing_is_oversold),
    ({"COUNTER_ADD": without(sql.COUNTER_ADD, ("c.value + excluded", "excluded"))}, adds_of_both_count),
    (
        {"ANSWER_NEW": without(careless(sql.ANSWER_NEW), (" WHERE a.expires_us <= excluded.at_us", ""))},
        a_scope_has_one_answer,
    ),
    (
        {"DELIVERY_CHANGE": without(careless(sql.DELIVERY_CHANGE), (" AND d.state = c.before", ""))},
        a_delivery_ends_once,
    ),
    ({"MUST_LIVE": "SELECT $1::bigint, $2::bigint[]"}, who_is_gone_between_look_and_write_writes_nothing),
    ({"MUST_LIVE": "SELECT living($1::bigint, '{}'), $2::bigint[]"}, who_gave_a_partition_back_writes_nothing_there),
]


@pytest.mark.parametrize(
    ("planted", "story"), PLANTED, ids=lambda part: "-".join(part) if isinstance(part, dict) else part.__name__
)
async def test_a_missing_guard_is_caught(
    schema: str, planted: dict[str, str], story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, statement in planted.items():
        monkeypatch.setattr(sql, name, statement)
    with pytest.raises(AssertionError):
        await story(schema)


async def hammered(schema: str, run: Callable[[list[Worker]], Awaitable[Counter[str]]]) -> None:
    """What was told to all of them together is what is there, and nobody waited for one who waited for him."""
    async with members(schema) as workers:
        calls = tuple(delivery(f"d{number}") for number in range(ROUNDS * AT_ONCE))
        await workers[0].submit(Step(result=refill("hot", STOCK)), Step(result=StepResult(calls=calls)))
        deadlocks = await counted_deadlocks()
        told = await asyncio.wait_for(run(workers), 60)
        store = workers[0].store
        cells = [await store.get("sums", key) for key in CELLS]
        assert sum(int(cell.value) for cell in cells if cell) == 2 * told["increment applied"]
        assert told["increment applied"] == 2 * ROUNDS * AT_ONCE
        assert told["take applied"] == STOCK
        assert await store.counter("stock", "hot") == 0
        assert told["answer applied"] == told["delivery applied"] == ROUNDS * AT_ONCE
        assert set(told) == {
            "increment applied",
            "increment StaleRead",
            "take applied",
            "take CounterRefused",
            "answer applied",
            "answer AlreadyHandled",
            "delivery applied",
            "delivery AlreadyHandled",
        }
        assert await counted_deadlocks() == deadlocks


async def counted_deadlocks() -> int:
    async with await psycopg.AsyncConnection.connect(postgres.database()) as connection:
        found = await connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        row = await found.fetchone()
        return 0 if row is None else int(row[0])


async def test_two_members_want_the_same_cells(schema: str) -> None:
    async def run(workers: list[Worker]) -> Counter[str]:
        told = await asyncio.gather(*(work(each.store, each.epoch, nth) for nth, each in enumerate(workers, 1)))
        return told[0] + told[1]

    await hammered(schema, run)


async def test_two_processes_want_the_same_cells(schema: str) -> None:
    async def process(seed: int) -> Counter[str]:
        command = (sys.executable, str(Path(__file__).with_name("member_process.py")), postgres.database(), schema)
        running = await asyncio.create_subprocess_exec(*command, str(seed), stdout=asyncio.subprocess.PIPE)
        out, _ = await running.communicate()
        assert running.returncode == 0
        return Counter(json.loads(out))

    async def run(workers: list[Worker]) -> Counter[str]:
        told = await asyncio.gather(process(1), process(2))
        return told[0] + told[1]

    await hammered(schema, run)


async def test_a_lease_ends_by_the_servers_clock(schema: str) -> None:
    store, other = [await PostgresStore.open(postgres.database(), schema=schema) for _ in range(2)]
    silent, beating = await joined(store, 0.3), await joined(other, 0.3)
    assert await store.claim(silent, [0, 1]) == [0, 1]
    async with asyncio.timeout(20):
        while len((await other.beat(beating)).members) > 1:  # noqa: ASYNC110 - the server's time
            await asyncio.sleep(0.05)
    assert await other.claim(beating, [0, 1]) == [0, 1]
    assert isinstance(await problem_of(store.beat(silent)), Fenced)
    for each in (store, other):
        await each.close()


async def test_an_engine_alone_and_members_do_not_meet_by_mistake(schema: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("interlock.adapters.postgres.store.JOIN_SECONDS", 0.1)
    alone, member = [await PostgresStore.open(postgres.database(), schema=schema) for _ in range(2)]
    await alone.own_alone(0.1)
    epoch = await alone.acquire(start(), {FLOW: [TYPE]})
    with pytest.raises(AlreadyRunning):
        await joined(member)
    assert await submit(alone, commit(epoch, Step(handling=handling(1)))) == [None]
    await alone.close()
    await joined(member)
    alone = await PostgresStore.open(postgres.database(), schema=schema)
    with pytest.raises(AlreadyRunning):
        await alone.own_alone(0.1)
    for store in (alone, member):
        await store.close()
