"""The stores of results keep the port's promises; an engine's store is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.adapters.memory_results import MemoryContractResults
from interlock.adapters.sqlite import SqliteStore
from interlock.adapters.sqlite.contract_results import SqliteContractResults
from interlock.model.problems import SettingInvalid, StorageCorrupt
from interlock.ports.contract_results import ContractResults
from interlock.testing.conformance import methods, promised
from interlock.testing.results_conformance import DURABLE_RESULT_CHECKS, RESULT_CHECKS


@pytest.mark.parametrize("check", RESULT_CHECKS, ids=lambda check: check.__name__)
async def test_memory(check) -> None:
    await check(MemoryContractResults)


@pytest.mark.parametrize("check", DURABLE_RESULT_CHECKS, ids=lambda check: check.__name__)
async def test_sqlite(check, tmp_path: Path) -> None:
    await check(lambda: SqliteContractResults(tmp_path / "data" / "results.db"))


async def test_an_engines_store_is_refused(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "shop.db")
    await store.close()
    with pytest.raises(SettingInvalid):
        SqliteContractResults(tmp_path / "shop.db")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "results.db").write_bytes(b"no database at all, but long enough to be taken for one" * 40)
    with pytest.raises(StorageCorrupt) as raised:
        SqliteContractResults(tmp_path / "results.db")
    assert str(tmp_path / "results.db") in raised.value.detail


def test_every_promise_has_a_check() -> None:
    assert len(promised(ContractResults)) == len(DURABLE_RESULT_CHECKS)
    assert set(methods(ContractResults)) == {"record", "deploy", "results", "deployed", "environments", "close"}
