"""A deployment goes to the next release and back, process by process, while clients write."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence

import psycopg
from next_release import NEXT, NOW

from .processes import COMMAND, NEXT_RELEASE, Deployment, Load, free_port, until

DRAIN_SECONDS = 5  # as the deployment of these tests is set


def ended(process: subprocess.Popen[str], deployment: Deployment, port: int) -> list[int]:
    """Stop it, and what its readiness was from then on, until nobody answered: 200, 503, or 0."""
    begun = time.monotonic()
    process.terminate()
    seen = [deployment.get("/health/ready", port)]
    while process.poll() is None:
        seen.append(deployment.get("/health/ready", port))
        assert time.monotonic() - begun < DRAIN_SECONDS + 10
    assert process.returncode == 0
    return seen


def test_a_rolling_upgrade_under_load_loses_nothing(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(pool="spoilt by the next release")
    ports = {"worker": free_port(), "other": free_port(), "edge": deployment.port}

    def start(name: str, command: Sequence[str]) -> subprocess.Popen[str]:
        place = () if name == "edge" else ("--health-port", str(ports[name]))
        role = "edge" if name == "edge" else "worker"
        return deployment.start("--role", role, "--name", name, *place, command=command)

    def settled() -> bool:
        return deployment.leased() == {"edge": 0, "worker": 4, "other": 4}

    def tell(name: str) -> int:
        return int(deployment.ask(f"SELECT value FROM meta WHERE name = '{name}'")[0][0])

    running = {name: start(name, COMMAND) for name in ports}
    for port in ports.values():
        until(lambda port=port: deployment.get("/health/ready", port) == 200, what="readiness")
    until(settled, what="an even share")
    load = Load(deployment.port)
    load.start()
    try:
        for name, command in [
            *((name, NEXT_RELEASE) for name in ports),
            ("worker", COMMAND),
        ]:
            seen = ended(running[name], deployment, ports[name])
            assert 200 not in seen[seen.index(503) if 503 in seen else len(seen) :], "ready again while it drains"
            running[name] = start(name, command)
            until(lambda name=name: deployment.get("/health/ready", ports[name]) == 200, what=f"readiness of {name}")
            until(settled, what="an even share")
            assert (tell("format"), tell("oldest")) == (NEXT, 3)
        assert deployment.get("/metrics", ports["worker"]) == 200
    finally:
        count = load.end()
    assert count > 100
    deployment.holds(load)
    assert deployment.events("engine.fenced") == []
    assert [line["finished"] for line in deployment.events("engine.drained")] == [True] * 4
    known = dict(deployment.ask("SELECT m.name, s.format FROM member AS m JOIN start AS s USING (epoch)"))
    assert {name.rpartition("/")[2]: number for name, number in known.items()} == {
        "worker": NOW, "other": NEXT, "edge": NEXT,
    }  # fmt: skip


def test_a_release_that_the_schema_has_left_behind_says_so(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(pool="spoilt by the next release")
    first = deployment.start()
    until(lambda: deployment.get("/health/ready") == 200, what="readiness")
    first.terminate()
    assert first.wait(15) == 0
    with psycopg.connect(deployment.environment["INTERLOCK_POSTGRES"], autocommit=True) as connection:
        connection.execute(f"UPDATE {deployment.schema}.meta SET value = '99' WHERE name IN ('format', 'oldest')")  # type: ignore[call-overload]
    told = deployment.run("up", str(deployment.folder))
    assert told.returncode == 1
    assert f"for releases of format 99 and newer; this release reads up to {NOW}" in told.stderr
    with psycopg.connect(deployment.environment["INTERLOCK_POSTGRES"], autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {deployment.schema} CASCADE")  # type: ignore[call-overload]
