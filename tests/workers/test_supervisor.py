"""`interlock up --workers N`: who dies, hangs or is paused is replaced, and nothing is lost or done twice."""

from __future__ import annotations

import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable

import pytest

from interlock.app.supervisor import EXIT_CONFIGURATION, Supervisor
from interlock.model.problems import SettingInvalid

from .processes import Deployment, Load, alive, until


def even(deployment: Deployment) -> bool:
    return deployment.leased() == {"edge": 0, "worker-1": 4, "worker-2": 4}


def test_a_killed_and_a_paused_worker_are_replaced_under_load(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy()
    supervisor = deployment.start("--workers", "2")
    until(lambda: deployment.get("/health/ready") == 200, what="readiness")
    until(lambda: even(deployment), what="an even share")
    load = Load(deployment.port)
    load.start()
    before = deployment.pids()
    time.sleep(0.5)

    deployment.signal("worker-1", signal.SIGKILL)
    until(lambda: deployment.pids()["worker-1"] != before["worker-1"], what="a new worker")
    until(lambda: even(deployment), what="an even share after the kill")
    (restart,) = deployment.events("supervisor.restarts")
    assert (restart["child"], restart["status"]) == ("worker-1", -signal.SIGKILL)

    deployment.signal("worker-2", signal.SIGSTOP)
    until(lambda: "worker-2" not in deployment.leased(), what="the end of the paused one's lease")
    until(lambda: deployment.leased().get("worker-1") == 8, what="its partitions with the other one")
    deployment.signal("worker-2", signal.SIGCONT)
    until(lambda: deployment.events("engine.fenced"), what="that it learns of it")
    until(lambda: even(deployment), what="an even share after the pause")

    deployment.holds(load)
    children = deployment.pids().values()
    supervisor.terminate()
    assert supervisor.wait(15) == 0
    assert not any(map(alive, children))
    assert [line["finished"] for line in deployment.events("engine.drained")][-3:] == [True] * 3


def test_nobody_outlives_a_killed_supervisor(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy()
    supervisor = deployment.start("--workers", "2")
    until(lambda: even(deployment), what="an even share")
    supervisor.kill()
    until(lambda: not any(map(alive, deployment.pids().values())), seconds=25, what="the end of all")
    assert deployment.leased() == {}, "they left, and did not just die"


def test_what_keeps_all_from_running_is_told_once_before_any_starts(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy()
    with socket.create_server(("127.0.0.1", deployment.port)):
        told = deployment.run("up", str(deployment.folder), "--workers", "2")
    assert told.returncode == 1
    assert told.stderr.count(f"Cannot listen on 127.0.0.1:{deployment.port}") == 1
    assert "server.port" in told.stderr
    del deployment.environment["INTERLOCK_POSTGRES"]
    unset = deployment.run("up", str(deployment.folder), "--workers", "2")
    assert unset.returncode == 1
    assert unset.stderr.count("INTERLOCK_POSTGRES, which is not set") == 1
    assert "supervisor.started" not in told.stderr + unset.stderr
    deployment.environment["INTERLOCK_POSTGRES"] = "postgresql://nobody@127.0.0.1:1/nowhere"
    waiting = deployment.start("--workers", "2")
    until(lambda: deployment.events("supervisor.waits"), what="patience with a store that is away")
    waiting.terminate()
    assert waiting.wait(15) == 0
    assert deployment.pids() == {}


def test_names(deploy: Callable[..., Deployment]) -> None:
    """Given once; sockets of the dead are cleaned away. A longer name of this test would put them elsewhere."""
    deployment = deploy()
    deployment.start("--workers", "1")
    until(lambda: deployment.leased() == {"edge": 0, "worker-1": 8}, what="the share of one")
    elsewhere = deployment.folder.parent / "clone"
    shutil.copytree(deployment.folder, elsewhere, ignore=shutil.ignore_patterns(".interlock"))
    settings = (elsewhere / "interlock.toml").read_text().replace(f"port = {deployment.port}", "port = 0")
    (elsewhere / "interlock.toml").write_text(settings)
    for words in (["--workers", "1"], ["--role", "worker", "--name", "worker-1"]):
        second = deployment.run("up", str(elsewhere), *words)
        assert second.returncode == 1
        assert "runs on this store already" in second.stderr
        assert "supervisor.started" not in second.stderr

    first = deployment.pids()["worker-1"]
    deployment.signal("worker-1", signal.SIGKILL)
    until(lambda: deployment.pids()["worker-1"] != first, what="a new worker")
    control = deployment.folder / ".interlock"
    until(lambda: not list(control.glob(f"*.control.{first}")), what="the end of the dead one's socket")

    def sockets() -> bool:
        living = {f"shop.db.control.{pid}" for pid in deployment.pids().values()}
        return {path.name for path in control.glob("*.control.*")} == living

    until(sockets, what="the sockets of the living")


async def test_what_another_start_cannot_mend_ends_all_at_once() -> None:
    async def ready() -> None:
        """Nothing to look at."""

    ends = [sys.executable, "-c", f"raise SystemExit({EXIT_CONFIGURATION})"]
    stays = [sys.executable, "-c", "import time; time.sleep(60)"]
    supervisor = Supervisor({"edge": ends, "worker-1": stays}, 1.0, ready)
    with pytest.raises(SettingInvalid, match="edge cannot run as it is set"):
        await supervisor.run()
    assert supervisor.pids == {}
