"""What doctor says of users' own outboxes: real databases, and the findings of facts that none of them has here."""

from __future__ import annotations

from pathlib import Path

import mariadb
import pytest
from user_tables.databases import new, new_logical

from interlock.model.problems import SettingInvalid, StorageUnavailable
from interlock.operate.source_examination import (
    alone_findings,
    dead_rows_finding,
    kept_finding,
    old_finding,
    slot_finding,
    source_findings,
    unusable_finding,
    waiting_finding,
)
from interlock.ports.outbox_source import OutboxFacts, OutboxFigures, SlotFacts
from interlock.testing.postgres_server import new_database, running_server

from .desk import Desk

GIB = 1 << 30
FACTS = OutboxFacts("shop 17")
NOTHING = OutboxFigures(0, 0, 0.0)
KINDS = ["sqlite", "postgres", pytest.param("mysql", marks=mariadb.needed)]


def declare(desk: Desk, kind: str, more: str = "", name: str = "app") -> None:
    (desk.root / "sources").mkdir(exist_ok=True)
    text = f'owner = "team-orders"\ndialect = "{kind}"\ndsn = "env:SHOP_{name.upper()}"\n{more}'
    (desk.root / "sources" / f"{name}.toml").write_text(text)


@pytest.mark.parametrize("kind", KINDS)
def test_a_sound_source(kind: str, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new(kind, tmp_path)
    declare(desk, kind)
    monkeypatch.setenv("SHOP_APP", database.dsn)
    _, found = desk.found()
    mine = {check: one["verdict"] for check, one in found.items() if check.startswith("SOURCE")}
    if kind == "postgres":  # the server of the tests does not flush
        assert mine.pop("SOURCE_KEPT") in ("ok", "broken")
    assert set(mine.values()) == {"ok"}, found
    database.run(database.insert("bad", "{}", refused="contract_violation", reason="why"), database.insert("b", "{}"))
    _, found = desk.found()
    assert found["SOURCE_REFUSED"]["verdict"] == "warn"
    assert "app: 1 rows wait" in found["SOURCE_WAITING"]["said"]


def test_a_source_that_cannot_be_used(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(desk, "postgres")
    code, found = desk.found()
    assert (code, found["SOURCE_USABLE"]["verdict"]) == (1, "broken")
    assert "SHOP_APP" in found["SOURCE_USABLE"]["said"]
    monkeypatch.setenv("SHOP_APP", "postgresql://u:geheim@127.0.0.1:1/shop")
    code, text = desk.told()
    assert (code, "geheim" in text) == (2, False)
    code, found = desk.found()
    assert (code, found["SOURCE_USABLE"]["verdict"]) == (2, "unknown")


def test_two_sources_of_one_table(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new("sqlite", tmp_path)
    for name in ("app", "again"):
        declare(desk, "sqlite", name=name)
        monkeypatch.setenv(f"SHOP_{name.upper()}", database.dsn)
    code, found = desk.found()
    assert (code, found["SOURCE_ALONE"]["verdict"]) == (1, "broken")
    assert "again and app read one table" in found["SOURCE_ALONE"]["said"]


def test_a_slot(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_server(wal_level="logical", max_slot_wal_keep_size="64MB") as server:
        database = new_logical(new_database(server))
        declare(desk, "postgres", f'mode = "logical"\nslot = "{database.slot}"\n')
        monkeypatch.setenv("SHOP_APP", database.dsn)
        _, found = desk.found()
        assert found["SOURCE_SLOT"]["verdict"] == "ok"
        assert "at 0.06 GiB (max_slot_wal_keep_size)" in found["SOURCE_SLOT"]["said"]
        database.run("CREATE UNLOGGED TABLE other (t text)", "ALTER TABLE interlock_outbox SET UNLOGGED")
        _, found = desk.found()
        assert "UNLOGGED" in found["SOURCE_KEPT"]["said"]
        database.run(f"SELECT pg_drop_replication_slot('{database.slot}')")
        code, found = desk.found()
        assert code == 1
        assert f"no replication slot {database.slot}" in found["SOURCE_USABLE"]["said"]


@mariadb.needed
def test_a_table_without_transactions(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new("mysql", tmp_path)
    database.run("ALTER TABLE interlock_outbox ENGINE = MyISAM")
    declare(desk, "mysql")
    monkeypatch.setenv("SHOP_APP", database.dsn)
    code, found = desk.found()
    assert (code, found["SOURCE_KEPT"]["verdict"]) == (1, "broken")
    assert "MyISAM knows no transactions" in found["SOURCE_KEPT"]["said"]


@pytest.mark.parametrize(
    ("held", "bound", "status", "verdict", "said"),
    [
        (GIB // 8, None, "reserved", "ok", "nothing bounds that"),
        (2 * GIB, None, "extended", "warn", "the server's disk fills"),
        (GIB, 4 * GIB, "reserved", "ok", "at 4.00 GiB"),
        (3 * GIB, 4 * GIB, "extended", "warn", "and with it the events"),
        (GIB, 4 * GIB, "unreserved", "warn", "Its state is unreserved"),
    ],
)
def test_what_a_slot_holds(held: int, bound: int | None, status: str, verdict: str, said: str) -> None:
    found = slot_finding("app", SlotFacts("s", held, bound, status))
    assert (found.verdict, said in found.said) == (verdict, True), found


def test_findings_of_facts() -> None:
    assert {one.verdict for one in source_findings("app", FACTS, NOTHING, 43_200)} == {"ok"}
    assert kept_finding("app", FACTS._replace(weak=["it does not flush"])).verdict == "warn"
    assert dead_rows_finding("app", FACTS._replace(dead_rows=200_000)).verdict == "warn"
    late = OutboxFigures(3, 0, 3_600.0)
    assert waiting_finding("app", late).verdict == "warn"
    assert old_finding("app", late, 43_200).verdict == "ok"
    assert old_finding("app", late, 120).verdict == "warn"
    assert old_finding("app", late, 0).verdict == "ok", "Kafka remembers nothing: all is looked up"
    assert [one.verdict for one in alone_findings({"a": "1", "b": "2"})] == ["ok"]
    assert list(alone_findings({})) == []
    assert unusable_finding("app", SettingInvalid("Wrong.")).verdict == "broken"
    assert unusable_finding("app", StorageUnavailable("Away.")).verdict == "unknown"
