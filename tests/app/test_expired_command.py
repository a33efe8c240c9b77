"""An engine that was away for longer than its stream keeps events: seen, listed, given up, gone on, on real servers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import jetstream
import postgres
import psycopg
import pytest

from interlock.adapters.jetstream import JetStreamLog
from interlock.app.process import Process
from interlock.cli.main import main
from interlock.estate.estate import Estate
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.event import Event
from interlock.model.lasting_task import lasting
from interlock.model.problems import Unexpected
from interlock.testing.samples import append, event

FLOW = "spending"


@pytest.fixture
def schema(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    monkeypatch.setenv("INTERLOCK_NATS", jetstream.server().url)
    name = postgres.new_schema(4, "app expired")
    yield name
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")  # type: ignore[call-overload]


@pytest.fixture
def estate(tmp_path: Path, schema: str) -> Estate:
    write_starter(tmp_path / "shop", "shop")
    (tmp_path / "shop" / "interlock.toml").write_text(
        '[estate]\nname = "shop"\n[server]\nport = 0\n[stores]\nkind = "postgres"\nlog = "jetstream"\n'
        f'partitions = 4\nschema = "{schema}"\n[jetstream]\nstream = "{schema}"\n'
    )
    return load(tmp_path / "shop")


def order(number: int) -> Event:
    return event(number)._replace(
        type="orders.OrderPlaced",
        body=b'{"order_id":"o%d","customer_id":"c1","total":"5.00","currency":"EUR","placed_at":"2026-01-05T14:02:11Z",'
        b'"lines":[{"sku":"a","quantity":1,"unit_price":"5.00"}]}' % number,
    )


async def until_done(process: Process, count: int) -> None:
    async with asyncio.timeout(20):
        while (await process.record.sums({FLOW: ["orders.OrderPlaced"]}))[0].done < count:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def without_an_engine(estate: Estate, secret: bytes, stream: str) -> None:
    """Three more events come, and the stream forgets the first two of them."""
    log = await JetStreamLog.open(jetstream.server().url, stream=stream, partitions=4, secret=secret)
    await append(log, [order(2)])
    await append(log, [order(3)])
    await append(log, [order(4)])
    await log.close()
    outside = jetstream.Outside(jetstream.server().url)
    outside.ask(f"STREAM.PURGE.{stream}", {"seq": 4})
    outside.close()


NOTHING_LOST = "No flow has lost events to the retention of a log.\n"


async def test_a_gap_is_seen_listed_and_given_up(
    estate: Estate, schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    process = Process(estate)
    await process.start()
    secret = process.log.secret
    await append(process.log, [order(1)])
    await until_done(process, 1)
    await process.stop()
    await without_an_engine(estate, secret, schema)
    process = Process(estate)
    await process.start()

    async def command(*words: str) -> tuple[int, str]:
        code = await asyncio.to_thread(
            main, [*words, *([] if words == ("doctor",) else ["--estate"]), str(estate.root)]
        )
        return code, capsys.readouterr().out

    async with asyncio.timeout(20):
        while process.engine.figures()[0].expired < 4:  # noqa: ASYNC110 - it is asked, it does not tell
            await asyncio.sleep(0.02)
    assert process.unready() is None
    # Positions are shared: nobody can tell which of the partitions the two belonged to.
    assert 'interlock_flow_expired_partitions{flow="spending"} 4' in process.metrics()
    code, out = await command("status")
    assert code == 0
    assert "spending stands in partition 0: the log has dropped positions" in out
    assert "to 3 before they were handled, with no known event, and at most 2 events that nobody has seen" in out
    code, out = await command("expired", "list", "--json")
    standing = json.loads(out)
    assert [(one["partition"], one["through"], one["events"], one["unseen"]) for one in standing] == [
        (partition, 3, 0, 2 if partition == 0 else 3) for partition in range(4)
    ]
    code, out = await command("doctor")
    assert "RECORD_EXPIRED" in out
    asked = ("expired", "discard", FLOW, "--reason", "outage_of_june")
    code, out = await command(*asked, "--dry-run")
    assert (code, "at most 2 events that nobody has seen" in out) == (0, True)
    code, out = await command(*asked)
    assert (code, "Nothing was given up" in out) == (1, True)
    assert process.engine.figures()[0].expired == 4
    code, out = await command(*asked, "--yes")
    assert (code, "2 positions that nobody had seen passed over; it reads on behind position 3" in out) == (0, True)
    await until_done(process, 2)
    async with asyncio.timeout(20):  # a partition by itself, each
        while (said := await command("expired", "list")) != (0, NOTHING_LOST):
            assert "stands in partition" in said[1]
    assert (await command(*asked, "--yes"))[0] == 1
    await process.stop()


async def test_an_end_that_nobody_foresaw_ends_the_process(estate: Estate) -> None:
    """Whatever room it happens in: the loop tells."""
    process = Process(estate)

    async def broken() -> None:
        raise KeyError("planted")

    def ready(port: int) -> None:
        tasks.append(lasting(broken(), "planted task"))

    tasks: list[asyncio.Task[None]] = []
    with pytest.raises(Unexpected, match="planted task broke"):
        await asyncio.wait_for(process.run(ready), 60)
