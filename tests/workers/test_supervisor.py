"""`interlock up --workers N`: who dies, hangs or is paused is replaced, and nothing is lost or done twice."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable

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


def test_what_another_start_cannot_mend_ends_all_at_once(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy()
    with socket.create_server(("127.0.0.1", deployment.port)):
        supervisor = deployment.start("--workers", "1")
        assert supervisor.wait(60) == 1
    said = deployment.output.read_text()
    assert f"Cannot listen on 127.0.0.1:{deployment.port}" in said
    assert "edge cannot run as it is set. See what it said above." in " ".join(said.split())
    assert not any(map(alive, deployment.pids().values()))
