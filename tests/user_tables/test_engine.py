"""Sources as an estate declares them: checked, run by an engine, shown by the commands."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import time
from pathlib import Path

import pytest

from interlock.adapters.sqlite import SqliteStore
from interlock.app.process import Process
from interlock.cli.main import main
from interlock.estate.loader import examine, load
from interlock.estate.starter import write_starter
from interlock.model.problems import SettingInvalid
from interlock.outbox import Outbox
from user_tables.databases import Database, new
from user_tables.relaying import logged, order, order_text, until

SOURCE = 'owner = "team-orders"\ndialect = "sqlite"\ndsn = "env:SHOP_DATABASE"\nsource = "/shop"\npoll_seconds = 0.02\n'


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    write_starter(tmp_path / "shop", "shop")
    (tmp_path / "shop" / "interlock.toml").write_text('[estate]\nname = "shop"\n[server]\nport = 0\n')
    (tmp_path / "shop" / "sources").mkdir()
    (tmp_path / "shop" / "sources" / "app.toml").write_text(SOURCE)
    return tmp_path / "shop"


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    made = new("sqlite", tmp_path)
    monkeypatch.setenv("SHOP_DATABASE", made.dsn)
    return made


async def test_an_engine_relays_what_an_application_commits(estate: Path, database: Database) -> None:
    process = Process(load(estate))
    await process.start()
    connection = database.connect()
    connection.execute("BEGIN")
    event_id = Outbox().write(connection, "orders.OrderPlaced", order(1), key="C-1")
    connection.execute("COMMIT")
    connection.close()
    await until(lambda: arrived(process, event_id))
    (event,) = await logged(process.log)
    assert event.source == "/shop"
    page = "\n".join(f"{metric.name}{values}" for metric, values in process.sources.samples().items())
    assert "interlock_source_leads[(('app',), 1)]" in page
    await process.stop()


async def arrived(process: Process, event_id: str) -> bool:
    return event_id in [event.id for event in await logged(process.log)]


async def test_an_engine_starts_while_the_database_is_away(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = estate / "sources" / "app.toml"
    source.write_text(source.read_text().replace('dialect = "sqlite"', 'dialect = "postgres"'))
    monkeypatch.setenv("SHOP_DATABASE", "postgresql://u:geheim@127.0.0.1:1/shop")
    process = Process(load(estate))
    await process.start()
    await until(lambda: code_of(process, "storage_unavailable"))
    await process.stop()


async def code_of(process: Process, code: str) -> bool:
    return [relay.figures.code for relay in process.sources._relays] == [code]


async def test_a_missing_variable_ends_the_start(estate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    with pytest.raises(SettingInvalid, match=r"SHOP_DATABASE \(source app\)"):
        await Process(load(estate)).start()


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ('dialect = "oracle"', "SETTING_INVALID", "dialect"),
        ('table = "Orders; DROP"', "SETTING_INVALID", "table"),
        ('mode = "logical"', "SETTING_INVALID", "mode: sqlite has no logical decoding"),
        ('dsn = "shop.db"', "SETTING_INVALID", "dsn"),
        ("batch = 0", "SETTING_INVALID", "batch"),
        ('owner = "team-nobody"', "OWNER_UNKNOWN", "team-nobody"),
        ('tabel = "x"', "SETTING_UNKNOWN", "Did you mean table?"),
    ],
)
def test_mistakes_have_their_line(line: str, code: str, told: str, estate: Path) -> None:
    key = line.partition(" ")[0]
    kept = [one for one in SOURCE.splitlines() if one.partition(" ")[0] != key]
    (estate / "sources" / "app.toml").write_text("\n".join([*kept, line]) + "\n")
    (finding,) = examine(estate).errors
    assert (finding.code, finding.file, finding.line) == (code, "sources/app.toml", len(kept) + 1)
    assert told in finding.detail


def test_two_sources_of_one_table_are_refused(estate: Path) -> None:
    (estate / "sources" / "again.toml").write_text(SOURCE)
    (finding,) = examine(estate).errors
    assert "sources/again.toml relays interlock_outbox" in finding.detail


def test_the_commands(estate: Path, database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["outbox", "status", str(estate)]) == 0
    assert capsys.readouterr().out == "app  0 waiting, 0 refused\n"
    row = database.insert("bad", "{}", refused="contract_violation", reason="customer_id is missing")
    database.run(row, database.insert("waits", order_text(1)))
    assert main(["outbox", "status", str(estate)]) == 1
    shown = capsys.readouterr().out
    assert "app  1 waiting, 1 refused, the oldest for 0 s" in shown
    assert "bad  orders.OrderPlaced  contract_violation: customer_id is missing" in shown
    assert main(["outbox", "status", str(estate), "--json"]) == 1
    assert '"waiting": 1' in capsys.readouterr().out
    assert main(["outbox", "ddl", "--dialect", "sqlite", "--notify"]) == 1
    assert "neither NOTIFY nor logical decoding" in capsys.readouterr().err


@pytest.mark.parametrize("table", ["interlock_outbox", "events_out"])
def test_what_the_commands_print_can_be_run(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    connection = sqlite3.connect(":memory:")
    assert main(["outbox", "ddl", "--dialect", "sqlite", "--table", table]) == 0
    connection.executescript(capsys.readouterr().out)
    assert main(["outbox", "statement", "--dialect", "sqlite", "--table", table]) == 0
    row = Outbox(table=table).row("orders.OrderPlaced", order(1))
    connection.execute(capsys.readouterr().out, tuple(row.values()))
    assert connection.execute(f"SELECT type FROM {table}").fetchall() == [("orders.OrderPlaced",)]


async def test_engines_that_are_killed_while_the_application_writes(estate: Path, database: Database) -> None:
    """Each committed order is in the log once, and those of a customer in the order of their commits."""
    written: list[tuple[str, str]] = []
    writing = asyncio.create_task(asyncio.to_thread(place_orders, database, written, 150))
    for _ in range(2):
        engine = await started(estate)
        reached = len(written) + 20
        await until(lambda reached=reached: answered(len(written) >= min(reached, 135)), 60)  # type: ignore[misc]
        engine.kill()
        await engine.wait()
    await writing
    engine = await started(estate)
    await until(lambda: emptied(database), 60)
    engine.terminate()
    await engine.wait()
    store = await SqliteStore.open(load(estate).store_path)
    found = await logged(store)
    await store.close()
    assert sorted(event.id for event in found) == sorted(event_id for event_id, _ in written)
    for customer in ("C-0", "C-1", "C-2"):
        mine = [event_id for event_id, whose in written if whose == customer]
        assert [event.id for event in found if event.id in mine] == mine


def place_orders(database: Database, written: list[tuple[str, str]], orders: int) -> None:
    """As an application does: one transaction each, now and then rolled back."""
    connection, outbox = database.connect(), Outbox()
    connection.set_busy_timeout(10_000)
    connection.execute("CREATE TABLE orders (order_id TEXT PRIMARY KEY)")
    for number in range(orders):
        customer = f"C-{number % 3}"
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO orders VALUES (?)", (f"O-{number}",))
        event_id = outbox.write(connection, "orders.OrderPlaced", order(number, customer), key=customer)
        if number % 10 == 9:
            connection.execute("ROLLBACK")
            continue
        connection.execute("COMMIT")
        written.append((event_id, customer))
        time.sleep(0.01)
    connection.close()


async def started(estate: Path) -> asyncio.subprocess.Process:
    command = [sys.executable, "-m", "interlock.cli.main", "up", str(estate)]
    engine = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert engine.stdout is not None
    async with asyncio.timeout(60):
        while b"listening" not in (line := await engine.stdout.readline()):
            assert line, "the engine ended"
    return engine


async def answered(answer: bool) -> bool:
    return answer


async def emptied(database: Database) -> bool:
    (waiting,) = await asyncio.to_thread(database.run, "SELECT count(*) FROM interlock_outbox")
    return bool(waiting[0] == 0)
