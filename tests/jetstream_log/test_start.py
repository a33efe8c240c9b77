"""What is wrong is said at the start, with the next step, and never with a password."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jetstream
import pytest

from interlock.adapters.jetstream import JetStreamLog
from interlock.model.problems import FormatUnsupported, Problem, SettingInvalid, StorageUnavailable
from interlock.testing.nats_server import running_cluster, running_nats
from interlock.testing.samples import append, event
from interlock.testing.server_process import free_port

from .conftest import Opener

USERS = """
accounts { A { jetstream: enabled, users: [
  { user: all, password: pass-all }
  { user: mute, password: pass-mute, permissions: { publish: ["$JS.API.>"], subscribe: [">"] } }
  { user: deaf, password: pass-deaf, permissions: { publish: ["orders.>"], subscribe: [">"] } } ] }
  B { users: [{ user: none, password: pass-none }] } }
"""


async def refused(url: str, kind: type[Problem] = SettingInvalid, **more: Any) -> Problem:
    options: dict[str, Any] = {"stream": "orders", "partitions": 4, "secret": jetstream.SECRET, **more}
    with pytest.raises(kind) as raised:
        await asyncio.wait_for(JetStreamLog.open(url, **options), 20)
    problem = raised.value
    assert problem.step
    assert "pass-" not in str(problem)
    return problem


async def opened_once(url: str, **more: Any) -> JetStreamLog:
    options: dict[str, Any] = {"stream": "orders", "partitions": 4, "secret": jetstream.SECRET, **more}
    log = await JetStreamLog.open(url, **options)
    await log.close()
    return log


async def test_users_and_permissions() -> None:
    with running_nats(more=USERS) as server:

        def url(user: str, password: str) -> str:
            return server.url.replace("//", f"//{user}:{password}@")

        assert "refuses us" in str(await refused(url("all", "pass-wrong")))
        assert "refuses us" in str(await refused(server.url))
        assert "JetStream is not enabled" in str(await refused(url("none", "pass-none")))
        assert "may not do" in str(await refused(url("deaf", "pass-deaf")))
        await opened_once(url("all", "pass-all"))
        assert "may not do" in str(await refused(url("mute", "pass-mute")))


async def test_unreachable_and_half_dead() -> None:
    port = free_port()
    assert f"127.0.0.1:{port} does not answer" in str(await refused(f"nats://127.0.0.1:{port}", StorageUnavailable))

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent) as url:
        assert "does not answer" in str(await refused(url, StorageUnavailable))


async def test_an_old_server() -> None:
    async def old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"server_id": "X", "version": "2.9.25", "max_payload": 1048576, "headers": True, "proto": 1}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while line := await reader.readline():
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")

    async with listening(old) as url:
        assert "is 2.9.25; the log needs 2.12" in str(await refused(url))


async def test_jetstream_disabled() -> None:
    with running_nats(jetstream=False) as server:
        assert "JetStream is not enabled" in str(await refused(server.url))


async def test_no_address() -> None:
    assert "names no server" in str(await refused(" , "))


async def test_another_log(opener: Opener, stream: str) -> None:
    url = jetstream.server().url
    log = await opener()
    more = {"stream": stream}
    assert "4 partitions, stores.partitions says 8" in str(await refused(url, **more, partitions=8))
    assert "log from another estate" in str(await refused(url, **more, identity="f" * 32))
    assert "another secret" in str(await refused(url, **more, secret=b"s" * 32))
    assert "3 replicas" not in str(await refused(url, **more, replicas=3))
    assert (await opener(identity=log.identity)).identity == log.identity
    missing = await refused(url, stream=jetstream.new_stream(), identity=log.identity)
    assert "There is no stream" in str(missing)


async def test_a_stream_of_others_or_edited(stream: str) -> None:
    url = jetstream.server().url
    outside = jetstream.Outside(url)
    try:
        outside.ask(f"STREAM.CREATE.{stream}", {"name": stream, "subjects": [f"{stream}.>"]})
        assert "is not a log of Interlock" in str(await refused(url, stream=stream))
        outside.ask(f"STREAM.DELETE.{stream}")
        await opened_once(url, stream=stream)
        config: Any = outside.ask(f"STREAM.INFO.{stream}")["config"]
        outside.ask(f"STREAM.UPDATE.{stream}", {**config, "allow_direct": False})
        assert "allow_direct is" in str(await refused(url, stream=stream))
        outside.ask(f"STREAM.UPDATE.{stream}", {**config, "metadata": {**config["metadata"], "interlock-format": "9"}})
        assert "format 9" in str(await refused(url, FormatUnsupported, stream=stream))
    finally:
        outside.ask(f"STREAM.DELETE.{stream}")
        outside.close()


async def test_the_window_follows_its_setting(opener: Opener) -> None:
    assert (await opener(dedupe_seconds=60.0)).log_capabilities.dedupe_seconds == 60
    assert (await opener(dedupe_seconds=30.0)).log_capabilities.dedupe_seconds == 30


async def test_what_acceptance_means(opener: Opener) -> None:
    assert (await opener()).log_capabilities.acceptance == "acknowledged"
    assert (await opener(synced=True)).log_capabilities.acceptance == "fsynced"


async def test_without_a_quorum() -> None:
    with running_cluster() as cluster:
        log = await opened_once(cluster.url, replicas=3)
        assert log.log_capabilities.acceptance == "replicated"
        leader = cluster.leader("orders")  # it would believe in itself for some seconds
        left = next(server for server in cluster.servers if server is not leader)
        for server in cluster.servers:
            if server is not left:
                await asyncio.to_thread(server.kill)
        problem = await refused(left.url, StorageUnavailable, replicas=3)
        assert problem.retry_after_seconds


async def test_a_full_stream_and_an_event_that_is_too_large(opener: Opener, stream: str) -> None:
    log = await opener()
    large = event(1)._replace(body=b'"' + b"x" * 1_048_576 + b'"')
    with pytest.raises(Problem) as raised:
        await append(log, [large])
    assert (raised.value.code, raised.value.status) == ("body_too_large", 413)
    assert "max_payload" in raised.value.step
    assert (await append(log, [event(2)]))[0].position == 1, "the connection lives"
    outside = jetstream.Outside(jetstream.server().url)
    config: Any = outside.ask(f"STREAM.INFO.{stream}")["config"]
    outside.ask(f"STREAM.UPDATE.{stream}", {**config, "max_bytes": 600})
    outside.close()
    with pytest.raises(Problem) as raised:
        await append(log, [event(3)])
    assert raised.value.code == "storage_full"
    with pytest.raises(Problem) as raised:
        await append(log, [event(4), event(5)])
    assert raised.value.code == "storage_full"


async def test_a_call_beyond_the_servers_limit(opener: Opener) -> None:
    log = await opener()
    most = log.log_capabilities.call_events
    assert most is not None
    assert len(await append(log, [event(number) for number in range(most)])) == most
    with pytest.raises(Problem) as raised:
        await append(log, [event(number) for number in range(2000, 2001 + most)])
    assert raised.value.code == "body_too_large"


@asynccontextmanager
async def listening(serve: Any) -> AsyncIterator[str]:
    async def serving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serving, "127.0.0.1", 0)
    try:
        yield f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
