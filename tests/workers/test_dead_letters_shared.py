"""Several processes on one machine: dead letters of all of them, and readiness of one that drains."""

from __future__ import annotations

import json
import signal
import urllib.request
from collections.abc import Callable

import pytest

from .processes import KIND, Deployment, free_port, order, until

REFUSES = """\
import asyncio

from interlock import Context, Flow, Rejected

from estate.contracts.orders import OrderPlaced

flow = Flow("spending", owner="team-orders", slo="orders-counted", after_dead_letter="continue")


@flow.on(OrderPlaced)
async def refuse(order: OrderPlaced, ctx: Context) -> None:
    if order.order_id == "1":
        await asyncio.sleep(3)
        return
    raise Rejected("wrong_day")
"""
CUSTOMERS = [f"C-{number}" for number in range(24)]


def place(deployment: Deployment, customer: str, number: int) -> None:
    request = urllib.request.Request(f"http://127.0.0.1:{deployment.port}/events", order(customer, number), KIND)
    urllib.request.urlopen(request, timeout=10).close()


@pytest.mark.timeout(300)
def test_dlq_finds_the_process_that_has_each_and_a_draining_worker_is_unready(
    deploy: Callable[..., Deployment],
) -> None:
    deployment = deploy()
    (deployment.folder / "flows" / "spending.py").write_text(REFUSES)
    ports = [free_port(), free_port()]
    deployment.start("--role", "edge", "--name", "edge")
    workers = [
        deployment.start("--role", "worker", "--name", f"worker-{nth}", "--health-port", str(port))
        for nth, port in enumerate(ports)
    ]
    until(lambda: deployment.leased() == {"edge": 0, "worker-0": 4, "worker-1": 4}, what="an even share")
    until(lambda: deployment.get("/health/ready", ports[0]) == 200, what="a worker that is ready")
    for customer in CUSTOMERS:
        place(deployment, customer, 0)
    listed = ("dlq", "list", str(deployment.folder), "--json")
    until(lambda: len(json.loads(deployment.run(*listed).stdout)) == len(CUSTOMERS), what="all as dead letters")
    assert {line["process"] for line in deployment.events("flow.dead_letter")} == {"worker-0", "worker-1"}

    letters = json.loads(deployment.run(*listed).stdout)
    assert len({letter["id"].split("/")[1] for letter in letters}) > 4, "partitions of both"
    one = deployment.run("dlq", "discard", letters[0]["id"], str(deployment.folder), "--reason", "tried")
    assert (one.returncode, one.stdout) == (0, f"{letters[0]['id']}  discarded\n")
    told = deployment.run("dlq", "redrive", "--flow", "spending", "--all", "--json", str(deployment.folder))
    results = json.loads(told.stdout)
    assert told.returncode == 0, told
    assert {result["id"] for result in results} == {letter["id"] for letter in letters[1:]}
    assert all(result["redriven"] == result["id"][:-1] + "1" for result in results)

    for customer in CUSTOMERS:
        place(deployment, customer, 1)  # each takes a while
    workers[0].send_signal(signal.SIGTERM)
    until(lambda: deployment.get("/health/ready", ports[0]) == 503, seconds=10, what="that it says so")
    assert workers[0].poll() is None, "while it drains"
    assert deployment.get("/health/live", ports[0]) == 200, "alive all the while"
    assert deployment.get("/health/ready", ports[1]) == 200, "the other one goes on"
    assert workers[0].wait(20) == 0
    assert deployment.get("/health/ready", ports[0]) == 0
