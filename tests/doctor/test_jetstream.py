"""`interlock doctor` on NATS JetStream: real servers, alone and three, whose streams keep promises or break them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import nats
import postgres
import pytest

from interlock.adapters.jetstream.examination import (
    Wanted,
    enabled_finding,
    examine,
    kept_finding,
    quorum_finding,
    sync_finding,
    tls_finding,
    version_finding,
)
from interlock.adapters.system import SystemClock
from interlock.model.diagnosis import Finding
from interlock.testing.nats_server import NatsServer, running_cluster, running_nats

from .desk import Desk

SECOND_NS = 1_000_000_000
OURS = {"interlock-identity": "x", "interlock-format": "1", "interlock-partitions": "4"}
READ = dict.fromkeys(range(4), 0)


@pytest.fixture(scope="module")
def server() -> Iterator[NatsServer]:
    with running_nats() as one:
        yield one


def stream(url: str, name: str, events: int = 0, **config: Any) -> None:
    """Makes a stream as a log has one, but for `config`."""
    made = {
        "name": name, "subjects": [f"{name}.p.>"], "storage": "file", "num_replicas": 1, "discard": "new",
        "duplicate_window": 2 * SECOND_NS, "metadata": OURS, **config,
    }  # fmt: skip

    async def make() -> None:
        client = await nats.connect(url)
        answer = json.loads((await client.request(f"$JS.API.STREAM.CREATE.{name}", json.dumps(made).encode())).data)
        assert "error" not in answer, answer
        for number in range(events):
            await client.jetstream().publish(f"{name}.p.{number % 4}.x", b"{}")
        await client.close()

    asyncio.run(make())


def look(url: str, wanted: Wanted) -> dict[str, Finding]:
    return {one.check: one for one in asyncio.run(examine(url, wanted, SystemClock()))}


def monitor(server: NatsServer) -> str:
    return f"http://127.0.0.1:{server.monitor}"


def test_a_stream_in_memory_with_one_replica_that_forgets(server: NatsServer) -> None:
    stream(server.url, "lax", events=4, storage="memory", max_age=SECOND_NS, duplicate_window=SECOND_NS)
    wanted = Wanted("lax", 4, 1, 120.0, READ, monitor(server))
    found = look(server.url, wanted)
    assert (found["NATS_STORAGE"].verdict, found["NATS_STORAGE"].promise) == ("broken", "Accepted is durable")
    assert (found["NATS_SYNC"].verdict, "120 seconds" in found["NATS_SYNC"].said) == ("broken", True)
    assert found["NATS_WINDOW"].verdict == "warn"
    assert found["NATS_REPLICAS"].said.startswith("One server keeps the stream")
    assert found["NATS_CLOCK"].verdict == "ok"
    deadline = time.monotonic() + 20
    while found["NATS_KEPT"].verdict != "broken":  # a flow that lags longer than events live
        assert time.monotonic() < deadline, found["NATS_KEPT"]
        found = look(server.url, wanted)
    assert found["NATS_KEPT"].promise == "Nothing is dropped"
    assert "max_age" in found["NATS_KEPT"].said


def test_a_stream_that_keeps_what_is_promised(server: NatsServer) -> None:
    with running_nats(store="sync_interval: always") as strict:
        stream(strict.url, "good", events=4)
        found = look(strict.url, Wanted("good", 4, 1, 2.0, READ, monitor(strict)))
        assert {one.verdict for one in found.values()} == {"ok"}, found
        assert "sync_interval is always" in found["NATS_SYNC"].said
        assert look(strict.url, Wanted("good", 8, 3, 2.0, READ))["NATS_PARTITIONS"].verdict == "broken"
        assert look(strict.url, Wanted("good", 8, 3, 2.0, READ))["NATS_REPLICAS"].verdict == "broken"
        unasked = look(strict.url, Wanted("good", 4, 1, 2.0, READ, "http://127.0.0.1:1"))["NATS_SYNC"]
        assert (unasked.verdict, "--nats-monitor" in unasked.next_step) == ("unknown", True)
    assert "no stream nowhere yet" in look(server.url, Wanted("nowhere", 4, 1, 2.0, READ))["NATS_STREAM"].said


def test_three_servers_of_which_one_is_away() -> None:
    with running_cluster() as cluster:
        stream(cluster.url.split(",")[0], "three", num_replicas=3)
        wanted = Wanted("three", 4, 3, 2.0, READ, monitor(cluster.servers[0]))
        found = look(cluster.url, wanted)
        assert found["NATS_QUORUM"].verdict == "ok", found
        assert "by most of 3 servers" in found["NATS_SYNC"].said
        leader = cluster.leader("three")
        follower = next(one for one in cluster.servers if one is not leader and one is not cluster.servers[0])
        follower.kill()
        deadline = time.monotonic() + 30
        while (found := look(cluster.url, wanted)).get("NATS_QUORUM", found["NATS_REACHED"]).verdict != "warn":
            assert time.monotonic() < deadline, found
        assert follower.name in found["NATS_QUORUM"].said


def test_the_command(desk: Desk, server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = postgres.new_schema()
    stream(server.url, "shop", metadata={**OURS, "interlock-partitions": "8"})
    desk.settings(
        f'\n[stores]\nkind = "postgres"\nschema = "{schema}"\nlog = "jetstream"\n[jetstream]\nstream = "shop"\n'
    )
    monkeypatch.setenv("INTERLOCK_POSTGRES", postgres.database())
    monkeypatch.setenv("INTERLOCK_NATS", server.url)
    code, found = desk.found("--nats-monitor", monitor(server))
    assert (code, [check for check, one in found.items() if one["verdict"] == "broken"]) == (1, ["NATS_SYNC"])
    assert "The log is in jetstream" in found["STORE_KIND"]["said"]
    monkeypatch.setenv("INTERLOCK_NATS", "nats://shop:hunter2-hunter2@127.0.0.1:1")
    code, out = desk.told("--json")
    assert (code, "hunter2" in out) == (2, False)
    monkeypatch.delenv("INTERLOCK_NATS")
    code, found = desk.found()
    assert (code, "INTERLOCK_NATS" in found["LOG_ADDRESS"]["said"]) == (2, True)


def test_jetstream_that_is_not_enabled() -> None:
    with running_nats(jetstream=False) as plain:
        found = look(plain.url, Wanted("any", 4, 1, 2.0, READ))
        assert found["NATS_JETSTREAM"].verdict == "broken"


@pytest.mark.parametrize(
    ("config", "first", "slowest", "age_us", "verdict"),
    [
        ({"discard": "new"}, 1, 0, None, "ok"),
        ({"discard": "new", "max_bytes": 5}, 1, 0, None, "ok"),
        ({"discard": "old", "max_bytes": 5}, 1, 0, None, "broken"),
        ({"discard": "new", "retention": "workqueue"}, 1, 0, None, "broken"),
        ({"discard": "new", "max_age": 100 * SECOND_NS}, 1, 0, 10_000_000, "warn"),
        ({"discard": "new", "max_age": 100 * SECOND_NS}, 1, 0, 60_000_000, "broken"),
        ({"discard": "new", "max_age": 100 * SECOND_NS}, 9, 3, None, "broken"),
    ],
)
def test_what_a_stream_keeps(
    config: dict[str, Any], first: int, slowest: int, age_us: int | None, verdict: str
) -> None:
    found = kept_finding(config, first, slowest, age_us)
    assert found.verdict == verdict, found


def test_the_rest_of_a_server() -> None:
    assert [version_finding(one).verdict for one in ("2.11.9", "2.12.0", "2.15.1-beta")] == ["broken", "ok", "ok"]
    assert tls_finding(["nats://127.0.0.1:4222"], False).verdict == "ok"
    assert tls_finding(["nats://n1.example:4222"], False).verdict == "warn"
    assert tls_finding(["nats://n1.example:4222"], True).verdict == "ok"
    room = {"storage": 90, "limits": {"max_storage": 100}}
    assert [enabled_finding(one).verdict for one in (room, {**room, "storage": 5})] == ["warn", "ok"]
    three = {"config": {"num_replicas": 3}, "cluster": {"leader": "a", "replicas": []}}
    assert quorum_finding(three).verdict == "warn"
    lagging = {"name": "b", "current": True, "lag": 50_000}, {"name": "c", "current": True}
    assert quorum_finding({**three, "cluster": {"replicas": lagging}}).verdict == "warn"
    assert [sync_finding({"jetstream": {}}, count).verdict for count in (1, 3)] == ["broken", "ok"]
    assert [sync_finding({"jetstream": {}}, count, True).verdict for count in (1, 3)] == ["broken", "broken"]
    assert "nobody has checked it" in sync_finding(None, 1, True).said
