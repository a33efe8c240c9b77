"""`interlock up` on PostgreSQL with its log on a broker: what came through the edge, and what others put in."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Callable
from typing import Any

import jetstream
import kafka
import nats
import pytest
from confluent_kafka import Producer

from .processes import Deployment, until

TYPE = "orders.OrderPlaced"


def order(number: int, **more: Any) -> dict[str, Any]:
    lines = [{"sku": "MUG", "quantity": 1, "unit_price": "1.00"}]
    data = {"order_id": str(number), "customer_id": "C-1", "placed_at": "2026-01-05T14:02:11Z", "currency": "GBP"}
    return data | {"total": "1.00", "lines": lines} | more


def post(deployment: Deployment, number: int) -> None:
    event = {"specversion": "1.0", "id": f"own-{number}", "source": "shop", "type": TYPE, "data": order(number)}
    kind = {"content-type": "application/cloudevents+json"}
    url = f"http://127.0.0.1:{deployment.port}/events"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(event).encode(), kind), timeout=20) as answer:
        assert answer.status == 202


def foreign(name: str, data: dict[str, Any], event_type: str = TYPE, **more: str) -> dict[str, Any]:
    return {"specversion": "1.0", "id": name, "source": "/till", "type": event_type, "data": data, **more}


def publish(log: str, deployment: Deployment, events: list[dict[str, Any]]) -> None:
    """As a stock client does that knows CloudEvents, and nothing of us."""
    if log == "kafka":
        producer = Producer({"bootstrap.servers": kafka.server("tansu").address})
        for event in events:
            headers = [("content-type", b"application/cloudevents+json")]
            producer.produce(deployment.schema, value=json.dumps(event), key="C-1", partition=0, headers=headers)
        assert producer.flush(20) == 0
        return

    async def send() -> None:
        client = await nats.connect(jetstream.server().url)
        for event in events:
            # headers as ours, which must not be believed where others publish
            headers = {"Content-Type": "application/cloudevents+json", "Interlock-Key": "1"}
            subject = f"{deployment.schema}.in.C-1.{event['type']}"
            await client.jetstream().publish(subject, json.dumps(event).encode(), headers=headers)
        await client.close()

    asyncio.run(send())


def ready(deployment: Deployment) -> None:
    until(lambda: deployment.get("/health/ready") == 200, what="an engine that is ready")


def said(deployment: Deployment, *words: str) -> Any:
    answer = deployment.run(*words, "--estate", str(deployment.folder), "--json")
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


@pytest.mark.parametrize("log", ["kafka", "jetstream"])
def test_events_of_ours_and_of_others(log: str, deploy: Callable[..., Deployment]) -> None:
    deployment = deploy(log=log)
    process = deployment.start()
    ready(deployment)
    for number in (0, 0, 1):  # a resend
        post(deployment, number)
    good = foreign("f-good", order(2))
    bad = [
        foreign("f-field", order(3, undeclared="x"), partitionkey="C-1"),
        foreign("f-version", order(4), dataschema=f"https://till.test/{TYPE}/9.9.9"),
        foreign("f-type", order(5), "orders.NeverDeclared"),
    ]
    publish(log, deployment, [*bad, good, foreign("f-named", order(6), dataschema=f"https://x.test/{TYPE}/1.0.0")])
    until(lambda: sum(map(len, deployment.story().values())) >= 4, what="four effects")
    until(lambda: len(said(deployment, "dlq", "list")) == 2, what="two dead letters")

    process.terminate()
    assert process.wait(30) == 0
    deployment.start()
    ready(deployment)
    post(deployment, 1)
    publish(log, deployment, [good])
    post(deployment, 7)
    until(lambda: 7 in deployment.story()["C-1"], what="the last effect")
    assert sorted(deployment.story()["C-1"]) == [0, 1, 2, 6, 7]
    letters = said(deployment, "dlq", "list")
    assert {letter["reason"] for letter in letters} == {"contract_violation", "unknown_contract"}
    (flow,) = said(deployment, "status")["flows"]
    assert (flow["done"], flow["dead"], flow["difference"]) == (5, 2, 0)
    story = deployment.run("why", "f-field", "--estate", str(deployment.folder)).stdout
    assert "contract_violation" in story
    assert "undeclared" not in json.dumps(said(deployment, "why", "f-field")), "the record holds no content"
