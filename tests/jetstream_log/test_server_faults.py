"""What was acknowledged outlives its servers: killed, stopped, restarted, under load."""

from __future__ import annotations

import asyncio
import shutil

import jetstream
import pytest

from interlock.adapters.jetstream import JetStreamLog, hearing
from interlock.model.problems import StorageCorrupt
from interlock.testing.nats_server import running_cluster, running_nats
from interlock.testing.samples import append, event

from .load import PARTITIONS, Load, check

pytestmark = pytest.mark.faults


async def opened(url: str, replicas: int, stream: str = "orders", **options: object) -> JetStreamLog:
    return await JetStreamLog.open(
        url, stream=stream, partitions=PARTITIONS, secret=jetstream.SECRET, replicas=replicas, **options
    )


async def test_the_leader_is_killed_under_load(record_property: pytest.RecordProperty) -> None:
    with running_cluster() as cluster:
        log = await opened(cluster.url, 3)
        load = Load(log)
        load.start()
        await load.until(500)
        leader = cluster.leader("orders")
        await asyncio.to_thread(leader.kill)
        before = len(load.acknowledged)
        await load.until(before + 500)
        record_property("silence_seconds", round(load.longest_silence, 2))
        print("silence", load.longest_silence, "refused", len(load.refused))
        await asyncio.to_thread(leader.start)
        await load.stop()
        reader = await opened(cluster.url, 3)
        await check(load, reader)
        await reader.close()
        await log.close()


async def test_the_leader_stands_still(record_property: pytest.RecordProperty) -> None:
    """SIGSTOP: its connections stay open, nobody answers; another leads meanwhile, and it wakes up as a follower."""
    with running_cluster() as cluster:
        log = await opened(cluster.url, 3)
        load = Load(log)
        load.start()
        await load.until(300)
        leader = cluster.leader("orders")
        leader.pause()
        try:
            before = len(load.acknowledged)
            await load.until(before + 300, 60)
        finally:
            leader.resume()
        print("silence", load.longest_silence, "refused", len(load.refused))
        await load.stop()
        await check(load, log)
        await log.close()


async def test_one_server_that_syncs_always_is_killed_and_started_again() -> None:
    with running_nats(store="sync_interval: always") as server:
        log = await opened(server.url, 1, synced=True)
        assert log.log_capabilities.acceptance == "fsynced"
        load = Load(log)
        load.start()
        await load.until(300)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        before = len(load.acknowledged)
        await load.until(before + 300)
        await load.stop()
        print("silence", load.longest_silence, "refused", len(load.refused))
        await check(load, log)
        await log.close()


async def test_a_server_that_lost_what_it_acknowledged_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a crash of a machine whose server had not flushed: its positions would be given again."""
    monkeypatch.setattr(hearing, "WENT_BACK_CHECKS", 2)
    with running_nats() as server:
        log = await opened(server.url, 1)
        await append(log, [event(1)])
        await asyncio.to_thread(server.halt)
        kept = server.folder / "kept"
        shutil.copytree(server.folder / "store", kept)
        await asyncio.to_thread(server.start)
        await append(log, [event(2), event(3)])
        await asyncio.to_thread(server.halt)
        shutil.rmtree(server.folder / "store")
        kept.rename(server.folder / "store")
        await asyncio.to_thread(server.start)

        with pytest.raises(StorageCorrupt):  # would have got the position of another
            await append(log, [event(5)])

        async def refused() -> None:
            while True:
                await log.read(0, 3, 1)
                await asyncio.sleep(0.05)

        with pytest.raises(StorageCorrupt, match="ends at"):
            await asyncio.wait_for(refused(), 20)
        with pytest.raises(StorageCorrupt):
            await append(log, [event(4)])
        await log.close()
