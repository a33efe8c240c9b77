"""PostgreSQL is an extra: an embedded estate neither needs nor loads its driver."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interlock.app.stores import connection_string, open_store, place_of_store
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import SettingInvalid

EMBEDDED = """
import asyncio, sys
from pathlib import Path
from interlock.app.process import Process
from interlock.estate.loader import load
async def run():
    process = Process(load(Path(sys.argv[1])))
    await process.start()
    await process.stop()
asyncio.run(run())
print(sorted(name for name in sys.modules if name.startswith("psycopg")))
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_starter(tmp_path / "shop", "shop")
    return tmp_path / "shop"


def on_postgres(root: Path) -> Path:
    settings = (
        '[estate]\nname = "shop"\n[server]\nport = 0\n[stores]\nkind = "postgres"\ndsn = "env:NO_SUCH_VARIABLE"\n'
    )
    (root / "interlock.toml").write_text(settings)
    return root


def test_an_embedded_engine_does_not_load_the_driver(root: Path) -> None:
    (root / "interlock.toml").write_text('[estate]\nname = "shop"\n[server]\nport = 0\n')
    done = subprocess.run([sys.executable, "-c", EMBEDDED, str(root)], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "[]", done.stderr


async def test_a_driver_that_is_not_installed_is_a_setting(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_SUCH_VARIABLE", "host=/nowhere")
    for name in [name for name in sys.modules if name.startswith("interlock.adapters.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(SettingInvalid, match="driver is not installed") as refused:
        await open_store(load(on_postgres(root)))
    assert "interlock[postgres]" in refused.value.step


async def test_a_reference_that_leads_nowhere_is_named(root: Path) -> None:
    with pytest.raises(SettingInvalid, match="NO_SUCH_VARIABLE, which is not set"):
        place_of_store(load(on_postgres(root)))
    assert connection_string("env:X", {"X": "host=a"}) == "host=a"


def test_a_connection_string_in_the_file_is_refused(root: Path) -> None:
    from interlock.model.problems import EstateInvalid

    on_postgres(root)
    file = root / "interlock.toml"
    file.write_text(file.read_text().replace("env:NO_SUCH_VARIABLE", "host=db password=x"))
    with pytest.raises(EstateInvalid):
        load(root)
