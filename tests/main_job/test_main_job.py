"""The main job itself, as `make demo` runs it: engine, systems, faults, SIGKILL; exit 0 only if the books agree."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from commerce.places import ROOT, UCI

DAYS = ("2010-12-01", "2011-01-04", "2011-08-15")


@pytest.fixture
def work() -> Iterator[Path]:
    """A short path: the control socket's name has to fit into 108 bytes."""
    with tempfile.TemporaryDirectory(prefix="il-") as folder:
        yield Path(folder)


def demo(work: Path, *options: str, seconds: float = 110) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "demo.run", "--work", str(work / "run"), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=seconds)


@pytest.mark.faults
def test_the_built_in_stream_with_two_kills(work: Path) -> None:
    done = demo(work, "--count", "150", "--rate", "60", "--kills", "2", "--seed", "3")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "the books agree" in done.stdout
    result = json.loads((work / "run" / "reconciliation.json").read_text())
    assert sum(result["fates"].values()) == result["orders"] > 100
    assert result["incidents"]["replayed"] > 0
    assert result["incidents"].get("bad_signature", 0) == 0


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.slow), "postgres+jetstream"])
def test_two_workers_on_servers_one_of_which_is_killed(work: Path, backend: str) -> None:
    """`make test` has the one with more parts; kills on PostgreSQL alone are in faults/kill and workers."""
    done = demo(work, "--backend", backend, "--count", "100", "--rate", "60", "--seed", "3", seconds=250)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SIGKILL to the worker" in done.stdout
    assert "the books agree" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_real_orders_on_postgresql_and_jetstream(work: Path) -> None:
    if not UCI.is_dir():
        pytest.skip("the UCI data is not here: ../shared/data/online-retail")
    days = work / "days"
    days.mkdir()
    for day in DAYS:
        (days / f"{day}.csv").symlink_to(UCI / f"{day}.csv")
    done = demo(work, "--backend", "postgres+jetstream", "--orders", str(days), seconds=1000)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.faults
def test_some_days_of_real_orders(work: Path) -> None:
    if not UCI.is_dir():
        pytest.skip("the UCI data is not here: ../shared/data/online-retail")
    days = work / "days"
    days.mkdir()
    for day in DAYS:
        (days / f"{day}.csv").symlink_to(UCI / f"{day}.csv")
    done = demo(work, "--orders", str(days))
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads((work / "run" / "reconciliation.json").read_text())
    assert result["fates"] == {"filled": result["orders"]}


@pytest.mark.faults
def test_books_that_disagree_fail_the_job(work: Path) -> None:
    """The verdict reaches the exit code: the same run, judged by another input."""
    assert demo(work, "--count", "30", "--no-kill", "--faults", "0").returncode == 0
    run = work / "run"
    rows = (run / "orders.csv").read_text().splitlines()
    (run / "orders.csv").write_text("\n".join(rows[: len(rows) // 2]))
    command = [sys.executable, "-m", "demo.reconciler", "--orders", str(run / "orders.csv")]
    command += ["--books", str(run / "books"), "--stock", str(run / "stock.json")]
    judged = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert judged.returncode == 1
    assert "unknown_order" in judged.stdout


def test_unreadable_orders_are_exit_code_two(work: Path) -> None:
    (work / "x.csv").write_text("a,b\n1,2\n")
    done = demo(work, "--orders", str(work / "x.csv"))
    assert done.returncode == 2
    assert "no column" in done.stdout
