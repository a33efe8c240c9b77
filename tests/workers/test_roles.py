"""Parts of an engine as processes of their own: shares, and stores that cannot be shared."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from .processes import Deployment, until


def test_two_processes_that_do_all_share_the_work(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy()
    first = deployment.start("--name", "one")
    until(lambda: deployment.leased() == {"one": 8}, what="the first one's lease of all")
    second = deployment.start("--name", "two")
    until(lambda: "Cannot listen" in deployment.output.read_text(), what="the refusal of one port for two")
    assert second.wait(30) == 1
    until(lambda: deployment.leased() == {"one": 8}, what="that the second one is gone")
    first.send_signal(signal.SIGTERM)
    assert first.wait(15) == 0


@pytest.mark.parametrize("arguments", [("--workers", "2"), ("--role", "worker")])
def test_an_embedded_store_is_not_shared(deploy: Callable[..., Deployment], arguments: tuple[str, ...]) -> None:
    deployment = deploy(kind="sqlite")
    told = deployment.run("up", str(deployment.folder), *arguments)
    assert told.returncode == 1
    assert "needs a store that several processes share; stores.kind is sqlite" in told.stderr
    assert 'stores.kind = "postgres"' in told.stderr


def test_a_second_process_on_one_sqlite_file_is_refused(deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(kind="sqlite")
    deployment.start()
    until(lambda: deployment.get("/health/ready") == 200, what="readiness")
    told = deployment.run("up", str(deployment.folder))
    assert told.returncode == 1
    assert told.stderr.splitlines()[-2].startswith("already_running: ")
    assert deployment.get("/health/ready") == 200
