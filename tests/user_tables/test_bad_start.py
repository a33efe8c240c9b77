"""What is wrong with a source ends the start, with its file and the next step, and not only after the first event."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path

import mariadb
import postgres
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from interlock.app.process import Process
from interlock.app.sources import open_outbox
from interlock.cli.main import main
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import AlreadyRunning, SettingInvalid
from interlock.testing.postgres_server import PostgresServer, new_database
from user_tables.databases import Database, new, new_logical

KINDS = ["sqlite", "postgres", pytest.param("mysql", marks=mariadb.needed)]
SECRET = "geheim"


class Shop:
    """An estate with one source, and what its start says."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self._patch, self._capsys = monkeypatch, capsys
        write_starter(root, root.name)
        (root / "interlock.toml").write_text(f'[estate]\nname = "{root.name}"\n[server]\nport = 0\n')
        (root / "sources").mkdir()

    def source(self, kind: str, dsn: str, more: str = "", name: str = "app") -> None:
        variable = f"DATABASE_{name.upper()}"
        self._patch.setenv(variable, dsn)
        text = f'owner = "team-orders"\ndialect = "{kind}"\ndsn = "env:{variable}"\n{more}'
        (self.root / "sources" / f"{name}.toml").write_text(text)

    def refused(self) -> str:
        """What `interlock up` says when it does not start."""
        assert main(["up", str(self.root)]) == 1
        told = self._capsys.readouterr().err
        assert SECRET not in told
        assert "sources/app.toml" in told
        return told


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    return Shop(tmp_path / "shop", monkeypatch, capsys)


def limited(database: Database, *grants: str) -> str:
    """The connection string of a user of PostgreSQL with these rights only."""
    name = f"u_{secrets.token_hex(6)}"
    database.run(f"CREATE ROLE {name} LOGIN PASSWORD '{SECRET}'", *(f"GRANT {grant} TO {name}" for grant in grants))
    return make_conninfo(database.dsn, user=name, password=SECRET)


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_table(kind: str, shop: Shop, tmp_path: Path) -> None:
    shop.source(kind, new(kind, tmp_path, table=False).dsn)
    told = shop.refused()
    assert "not as an outbox should be" in told
    assert f"interlock outbox ddl --dialect {kind}" in told


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_database(kind: str, shop: Shop, tmp_path: Path) -> None:
    dsn = new(kind, tmp_path, table=False).dsn
    wrong = {"sqlite": f"{dsn}x", "postgres": make_conninfo(postgres.database(), dbname="nowhere"), "mysql": f"{dsn}x"}
    shop.source(kind, wrong[kind] if kind != "mysql" else dsn.replace("/t", "/no", 1))
    assert "variable that dsn names" in shop.refused()


def test_wrong_credentials_on_postgres(shop: Shop) -> None:
    shop.source("postgres", make_conninfo(postgres.database(), user="nobody_here", password=SECRET))
    assert "wrong user, password or database" in shop.refused()


@mariadb.needed
def test_wrong_credentials_on_mysql(shop: Shop, tmp_path: Path) -> None:
    shop.source("mysql", new("mysql", tmp_path).dsn.replace("mysql://root", f"mysql://nobody:{SECRET}"))
    assert "refuses us" in shop.refused()


@pytest.mark.parametrize("grants", [(), ("SELECT ON interlock_outbox",), ("SELECT, DELETE ON interlock_outbox",)])
def test_rights_that_settling_needs(grants: tuple[str, ...], shop: Shop, tmp_path: Path) -> None:
    """Without DELETE and UPDATE the first event would be relayed, and never settled."""
    shop.source("postgres", limited(new("postgres", tmp_path), *grants))
    told = shop.refused()
    assert "lacks a right" in told
    assert "GRANT SELECT, UPDATE, DELETE" in told


def test_a_slot_that_is_not_there(shop: Shop, logical_server: PostgresServer) -> None:
    database = new_logical(new_database(logical_server))
    shop.source("postgres", database.dsn, f'mode = "logical"\nslot = "{database.slot}_other"\n')
    told = shop.refused()
    assert f"no replication slot {database.slot}_other" in told
    assert "interlock outbox ddl --dialect postgres --logical" in told


def test_a_server_without_logical_decoding(shop: Shop, tmp_path: Path) -> None:
    shop.source("postgres", new("postgres", tmp_path).dsn, 'mode = "logical"\n')
    assert "wal_level = replica; logical decoding needs logical" in shop.refused()


@pytest.mark.parametrize("kind", KINDS)
def test_two_sources_on_one_table_by_different_names(kind: str, shop: Shop, tmp_path: Path) -> None:
    database = new(kind, tmp_path)
    shop.source(kind, database.dsn)
    shop.source(kind, database.dsn, name="again")  # by another variable
    told = shop.refused()
    assert "sources/again.toml" in told
    assert "read one table" in told


@pytest.mark.parametrize("kind", KINDS)
async def test_a_table_that_another_estate_relays(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new(kind, tmp_path)
    roots = [tmp_path / name for name in ("shop", "other")]
    for root in roots:
        Shop(root, monkeypatch, None).source(kind, database.dsn)  # type: ignore[arg-type]
    first = load(roots[0])
    leading = open_outbox(first.sources["app"], database.dsn, first)
    await leading.lead()
    beside = open_outbox(first.sources["app"], database.dsn, first)
    with pytest.raises(AlreadyRunning):
        await beside.lead()
    await beside.close()
    with pytest.raises(SettingInvalid, match=r"sources/app.toml: A relay of another estate leads") as refused:
        await Process(load(roots[1])).start()
    assert "a table of its own" in refused.value.step
    await leading.close()
    process = Process(load(roots[1]))
    await process.start()
    await process.stop()


def test_no_statement_is_left_open(tmp_path: Path) -> None:
    """The rights are asked for with statements that change nothing: rows and their locks are as before."""
    database = new("postgres", tmp_path)
    database.run("INSERT INTO interlock_outbox (id, type, data) VALUES ('a', 't', '{}')")
    with psycopg.connect(database.dsn) as held:
        held.execute("SELECT * FROM interlock_outbox FOR UPDATE")

        async def look() -> None:
            source = database.source()
            await asyncio.wait_for(source.inspect(), 10)
            await source.close()

        asyncio.run(look())
    assert database.run("SELECT count(*) FROM interlock_outbox") == [(1,)]
