"""A move that is killed at one of its last steps: never two stores to work on, and it can be finished or taken back."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import postgres
import psycopg
import pytest

from interlock.app.stores import open_stores
from interlock.cli.main import main
from interlock.estate.loader import load
from interlock.estate.starter import write_starter
from interlock.model.problems import SettingInvalid

from .dying_move import MOMENTS
from .test_archives import PARTITIONS, fill

TESTS = Path(__file__).parents[1]
ARRIVED = 41  # events, as `fill` makes them
WAYS = [("sqlite", "postgres"), ("postgres", "sqlite")]


class Moving:
    """An estate whose settings say now one place, now the other."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "shop"
        self.schema = f"t_{secrets.token_hex(6)}"
        write_starter(self.root, "shop")
        self.file = self.root / ".interlock" / "shop.db"
        self.file.parent.mkdir()
        self.set("sqlite")

    def set(self, kind: str) -> None:
        (self.root / "interlock.toml").write_text(
            f'[estate]\nname = "shop"\n[stores]\nkind = "{kind}"\npath = ".interlock/shop.db"\n'
            f'schema = "{self.schema}"\npartitions = {PARTITIONS}\n'
        )

    def clear(self) -> None:
        """What a move to PostgreSQL left behind: whoever comes back takes it away."""
        for left in self.file.parent.glob("*"):
            left.unlink()

    def is_there(self, kind: str) -> bool:
        if kind == "sqlite":
            return self.file.exists()
        with psycopg.connect(postgres.database()) as connection:
            found = connection.execute("SELECT to_regclass(%s)", (f"{self.schema}.meta",)).fetchone()
        return found is not None and found[0] is not None

    def admits(self, kind: str) -> bool:
        """Whether an engine could start there."""
        if not self.is_there(kind):
            return False
        self.set(kind)
        try:
            asyncio.run(self._events())
        except SettingInvalid:
            return False
        return True

    def events(self, kind: str) -> int:
        self.set(kind)
        return asyncio.run(self._events())

    async def _events(self) -> int:
        stores = await open_stores(load(self.root))
        try:
            return sum([len((await stores.log.read(one, 0, 1000)).events) for one in range(PARTITIONS)])
        finally:
            await stores.close()

    def killed(self, moment: str, here: str, to: str) -> None:
        self.set(here)
        command = [sys.executable, "-m", "migrate.dying_move", moment, "migrate", str(self.root), "--to", to]
        path = {"PYTHONPATH": f"{TESTS}:{TESTS.parent}"}
        done = subprocess.run(command, env={**os.environ, **path}, capture_output=True, timeout=60, check=False)
        assert done.returncode == -signal.SIGKILL, done.stderr

    def command(self, here: str, *words: str) -> int:
        self.set(here)
        return main(["migrate", str(self.root), *words])


@pytest.fixture
def moving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Moving]:
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    made = Moving(tmp_path)
    asyncio.run(fill(made.file))
    yield made
    with psycopg.connect(postgres.database(), autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA IF EXISTS {made.schema} CASCADE")  # type: ignore[call-overload]


def at(moving: Moving, here: str) -> None:
    if here == "postgres":
        assert moving.command("sqlite", "--to", "postgres") == 0
        moving.clear()


@pytest.mark.parametrize(("here", "to"), WAYS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_move_is_finished_by_the_next(moment: str, here: str, to: str, moving: Moving) -> None:
    at(moving, here)
    moving.killed(moment, here, to)
    admitting = [kind for kind in (here, to) if moving.admits(kind)]
    expected = {"before anything is told": [here], "when the source knows": [], "when the target is there": [to]}
    assert admitting == expected[moment]
    assert moving.command(here, "--to", to) == 0
    assert [kind for kind in (here, to) if moving.admits(kind)] == [to]
    assert moving.events(to) == ARRIVED


@pytest.mark.parametrize(("here", "to"), WAYS)
def test_a_killed_move_is_taken_back_unless_the_target_is_there(
    here: str, to: str, moving: Moving, capsys: pytest.CaptureFixture[str]
) -> None:
    at(moving, here)
    moving.killed("when the source knows", here, to)
    moving.set(here)
    with pytest.raises(SettingInvalid, match="broke off at its very end") as refused:
        asyncio.run(open_stores(load(moving.root)))
    assert "--stay" in refused.value.step
    assert moving.command(here, "--to", to, "--stay") == 0
    assert "engines may start here again" in capsys.readouterr().out
    assert [kind for kind in (here, to) if moving.admits(kind)] == [here]
    moving.killed("when the target is there", here, to)
    assert moving.command(here, "--to", to, "--stay") == 1
    assert "Everything has arrived" in capsys.readouterr().err
    assert moving.command(here, "--to", to) == 0
    assert moving.command(here, "--to", to) == 1, "it was moved"


def test_a_killed_move_to_one_place_is_not_finished_at_another(
    moving: Moving, capsys: pytest.CaptureFixture[str]
) -> None:
    moving.killed("when the source knows", "sqlite", "postgres")
    assert moving.command("sqlite", "--to", "postgres", "--schema", f"{moving.schema}_b") == 1
    told = capsys.readouterr().err
    assert "broke off at its very end; this one goes to" in told
    assert moving.command("sqlite", "--to", "postgres", "--schema", f"{moving.schema}_b", "--stay") == 1
    assert moving.command("sqlite", "--to", "postgres", "--stay") == 0
    assert moving.command("sqlite", "--to", "postgres", "--stay") == 0
    assert "nothing to take back" in capsys.readouterr().out


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_what_another_file_left_beside_the_target_is_refused(
    suffix: str, moving: Moving, capsys: pytest.CaptureFixture[str]
) -> None:
    """SQLite would take a stale -wal for a part of the new file."""
    at(moving, "postgres")
    stale = Path(f"{moving.file}{suffix}")
    stale.write_bytes(b"left")
    assert moving.command("postgres", "--to", "sqlite") == 1
    assert f"shop.db{suffix} of one that was there" in capsys.readouterr().err
    assert not moving.file.exists()
    stale.unlink()
    assert moving.command("postgres", "--to", "sqlite") == 0
    assert moving.events("sqlite") == ARRIVED
