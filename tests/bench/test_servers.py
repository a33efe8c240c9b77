"""The plumbing of the parts that need servers: subjects start, are counted, and are checked. No rival is installed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import machine
from bench.rivals.progress import Progress, read
from bench.run import GROUPS, PARTS
from bench.subjects.database import Database
from bench.subjects.interlock_postgres import InterlockOnPostgres, Workers
from bench.subjects.queue import EmptyPath
from bench.turn import Samples, ours_live, ours_waiting, rival_waiting, wait_until_done
from bench.verify import verify, whole

COUNT = 60


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    made = Database(core=None)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def test_the_server_is_durable_and_on_disk(database: Database) -> None:
    database.fresh()
    with database.reader() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {setting}".encode()).fetchone() == ("on",)
    assert database.folder.is_relative_to("/var/tmp")
    assert database.cpu_seconds() > 0


def test_ours_handles_what_waits_and_what_comes(database: Database, tmp_path: Path) -> None:
    samples, sizes = Samples(), list[float]()
    ours_waiting(
        lambda: InterlockOnPostgres(tmp_path / "ours", database),
        COUNT,
        samples,
        lambda ours: sizes.append(ours.commit_size()),
    )
    ours_live(lambda: InterlockOnPostgres(tmp_path / "ours", database), COUNT, samples)
    figure = samples.figure("Interlock")
    assert len(figure.samples) == 2
    assert 1 < sizes[0] <= COUNT
    assert (figure.servers_us or 0) < (figure.cpu_us or 0)


def test_two_workers_are_started_counted_and_ended(database: Database, tmp_path: Path) -> None:
    samples, pids = Samples(), list[int]()
    ours_waiting(lambda: Workers(tmp_path / "ours", database, 2), COUNT, samples, lambda ours: pids.extend(ours.pids))
    assert samples.rates[0] > 0
    assert len(pids) == 4  # supervisor, edge, two workers
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


def test_a_lost_handling_is_seen(database: Database, tmp_path: Path) -> None:
    ours = InterlockOnPostgres(tmp_path / "ours", database)
    ours.preload(COUNT)
    ours.start()
    try:
        wait_until_done(ours, COUNT)
    finally:
        ours.kill()
    assert ours.verify(handled=True)["acknowledged"] == COUNT
    acknowledged = [line.split()[0] for line in ours.acknowledged.read_text().splitlines()]
    assert whole(verify(ours.where, acknowledged, handled=True, apart=True))
    with database.reader() as connection:
        connection.execute("DELETE FROM interlock.handling WHERE partition = 0")
    with pytest.raises(subprocess.CalledProcessError):
        ours.verify(handled=True)
    assert not whole(verify(ours.where, acknowledged, handled=True, apart=True))


@pytest.mark.parametrize("server", [True, False])
def test_the_empty_path_writes_what_it_reads(server: bool, database: Database, tmp_path: Path) -> None:
    samples = Samples()
    rival_waiting(EmptyPath(tmp_path / "empty", sys.executable, 4, database if server else None), COUNT, samples)
    assert samples.rates[0] > 0
    if server:
        with database.reader() as connection:
            found = connection.execute("SELECT count(*), (SELECT sum(total) FROM tally) FROM state").fetchone()
        assert found == (COUNT, COUNT)


def test_progress_is_read_by_another_process(tmp_path: Path) -> None:
    path = tmp_path / "progress"
    assert read(path) == (0, 0)
    progress = Progress(str(path))
    progress.begun()
    progress.done(3)
    script = f"from pathlib import Path; from bench.rivals.progress import read; print(read(Path({str(path)!r}))[1])"
    assert machine.call([sys.executable, "-c", script]) == "3\n"


def test_groups_name_parts() -> None:
    assert all(set(parts) <= set(PARTS) for parts in GROUPS.values())
