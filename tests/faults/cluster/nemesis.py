"""What befalls a cluster, by name. Each ends with the cluster as it was, but for processes that ended themselves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import psycopg

from interlock.testing.nats_server import NatsServer

from ..kill.campaign import LEASE_SECONDS
from .cluster import GONE_SECONDS, SCHEMA, Cluster, Served
from .server import compiler

Nemesis = Callable[[Cluster], Awaitable[str]]
WITHIN, BEYOND = (0.1, 1.0), (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2.0)  # of the lease
STORM_SECONDS = 1.0
SLOW_SYNC_US = 100_000
NOBODY = "nobody"


async def victim(cluster: Cluster, at_least: int = 1) -> Served:
    """One that takes part, while so many do."""
    while len(standing := [worker for worker in cluster.workers if worker.up.is_set()]) < at_least:  # noqa: ASYNC110 - several events
        await asyncio.sleep(0.05)
    return cluster.random.choice(standing)


async def kill_worker(cluster: Cluster) -> str:
    worker = await victim(cluster)
    worker.signal(signal.SIGKILL)
    return worker.name


async def kill_edge(cluster: Cluster) -> str:
    await cluster.edge.up.wait()
    cluster.edge.signal(signal.SIGKILL)
    return "edge"


async def ask_to_leave(cluster: Cluster) -> str:
    """As at each rolling restart."""
    worker = await victim(cluster)
    worker.signal(signal.SIGTERM)
    return worker.name


async def pause_shortly(cluster: Cluster) -> str:
    worker = await victim(cluster)
    worker.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(cluster.random.uniform(*WITHIN))
    finally:
        worker.signal(signal.SIGCONT)
    return worker.name


async def pause_beyond_lease(cluster: Cluster) -> str:
    """The others take over; when it wakes up it must not write, and end as fenced."""
    worker = await victim(cluster, 2)
    fenced = worker.fenced
    worker.signal(signal.SIGSTOP)
    try:
        gone = await _given_up(cluster, worker)
    finally:
        worker.signal(signal.SIGCONT)
    return await _came_back(cluster, worker, fenced, gone)


async def _given_up(cluster: Cluster, worker: Served) -> bool:
    """Whether the others have ended its membership, which it cannot end itself: it was there when it went away."""
    there = await cluster.member(worker)
    await asyncio.sleep(cluster.random.uniform(*BEYOND))
    return await cluster.gone(worker) and there


async def _came_back(cluster: Cluster, worker: Served, fenced: int, gone: bool) -> str:
    """Note what became of one that others gave up. Who was kept as a member, or was leaving, may do as it will."""
    if not gone:
        return f"{worker.name}, not given up"
    deadline = asyncio.get_running_loop().time() + GONE_SECONDS
    loop = asyncio.get_running_loop()
    while worker.fenced == fenced and worker.up.is_set() and loop.time() < deadline:  # noqa: ASYNC110 - either of two
        await asyncio.sleep(0.02)
    found = "fenced" if worker.fenced > fenced else "went on" if worker.up.is_set() else "ended otherwise"
    cluster.away[f"{len(cluster.away)} {worker.name}"] = found
    return worker.name


async def _lose(cluster: Cluster, percent: int, seconds: tuple[float, float]) -> str:
    worker = await victim(cluster)
    assert worker.host is not None
    try:
        await worker.host.lose(percent)
        await asyncio.sleep(cluster.random.uniform(*seconds))
        await worker.host.heal()
    except RuntimeError:
        if worker.alive:
            raise
    return worker.name  # else it had ended meanwhile, and its network with it


async def partition_shortly(cluster: Cluster) -> str:
    return await _lose(cluster, 100, WITHIN)


async def partition_beyond_lease(cluster: Cluster) -> str:
    worker = await victim(cluster, 2)
    assert worker.host is not None
    fenced = worker.fenced
    await worker.host.lose(100)
    gone = await _given_up(cluster, worker)
    await worker.host.heal()
    return await _came_back(cluster, worker, fenced, gone)


async def lose_packets(cluster: Cluster) -> str:
    return await _lose(cluster, 25, (1.0, 2.5))


async def restart_server(cluster: Cluster) -> str:
    """PostgreSQL is lost with all its sessions, and recovers."""
    await asyncio.to_thread(cluster.server.kill)
    await asyncio.sleep(cluster.random.uniform(0.0, 0.5))
    await asyncio.to_thread(cluster.server.start)
    return "postgresql"


async def freeze_server(cluster: Cluster) -> str:
    cluster.server.pause()
    try:
        await asyncio.sleep(cluster.random.uniform(0.5, LEASE_SECONDS + 1))
    finally:
        cluster.server.resume()
    return "postgresql"


async def storm(cluster: Cluster) -> str:
    """Strangers take all the connections that the server gives."""
    taken: list[psycopg.AsyncConnection[object]] = []
    try:
        while True:
            taken.append(await psycopg.AsyncConnection.connect(cluster.inside))
    except psycopg.OperationalError:
        await asyncio.sleep(STORM_SECONDS)
    for connection in taken:
        await connection.close()
    return f"{len(taken)} connections"


async def fill_disk(cluster: Cluster) -> str:
    """Its log of transactions cannot grow: it ends itself, or refuses, until there is room again."""
    await asyncio.to_thread(cluster.server.fill)
    await asyncio.sleep(cluster.random.uniform(0.5, LEASE_SECONDS + 1))
    await asyncio.to_thread(cluster.server.clear)
    await asyncio.to_thread(cluster.server.come_back)
    return "postgresql"


async def slow_disk(cluster: Cluster) -> str:
    """From one loss of the server to the next, each sync of its disk takes a tenth of a second longer."""
    if compiler() is None:
        return NOBODY
    await asyncio.to_thread(cluster.server.slow_down, SLOW_SYNC_US)
    await asyncio.sleep(cluster.random.uniform(1.0, LEASE_SECONDS + 1))
    await asyncio.to_thread(cluster.server.slow_down, 0)
    return "postgresql"


async def _leader(cluster: Cluster) -> NatsServer:
    assert cluster.nats is not None
    return await asyncio.to_thread(cluster.nats.leader, SCHEMA)


async def kill_leader(cluster: Cluster) -> str:
    """The other two elect another one; it comes back as a follower."""
    leader = await _leader(cluster)
    return await _lose_node(cluster, leader)


async def kill_node(cluster: Cluster) -> str:
    assert cluster.nats is not None
    return await _lose_node(cluster, cluster.random.choice(cluster.nats.servers))


async def _lose_node(cluster: Cluster, node: NatsServer) -> str:
    await asyncio.to_thread(node.kill)
    try:
        await asyncio.sleep(cluster.random.uniform(0.5, LEASE_SECONDS + 1))
    finally:
        await asyncio.to_thread(node.start)
    return node.name


async def pause_leader(cluster: Cluster) -> str:
    """Half dead: connections open, no answers, and it believes that it leads when it wakes up."""
    leader = await _leader(cluster)
    leader.pause()
    try:
        await asyncio.sleep(cluster.random.uniform(0.5, LEASE_SECONDS + 1))
    finally:
        leader.resume()
    return leader.name


async def no_quorum(cluster: Cluster) -> str:
    """Two of three are lost: nothing is acknowledged until one is back."""
    assert cluster.nats is not None
    lost = cluster.random.sample(cluster.nats.servers, 2)
    for node in lost:
        await asyncio.to_thread(node.kill)
    await asyncio.sleep(cluster.random.uniform(*WITHIN))
    for node in lost:
        await asyncio.to_thread(node.launch)
    for node in lost:
        await asyncio.to_thread(node.wait)
    return " ".join(node.name for node in lost)


WORKERS: dict[str, Nemesis] = {
    "kill": kill_worker,
    "leave": ask_to_leave,
    "pause": pause_shortly,
    "pause beyond lease": pause_beyond_lease,
    "edge": kill_edge,
}
NETWORK: dict[str, Nemesis] = {
    "partition": partition_shortly,
    "partition beyond lease": partition_beyond_lease,
    "packet loss": lose_packets,
    "kill": kill_worker,
}
SERVER: dict[str, Nemesis] = {
    "restart": restart_server,
    "freeze": freeze_server,
    "storm": storm,
    "full disk": fill_disk,
    "slow disk": slow_disk,
    "kill": kill_worker,
}
JETSTREAM: dict[str, Nemesis] = {
    "kill leader": kill_leader,
    "lose node": kill_node,
    "pause leader": pause_leader,
    "no quorum": no_quorum,
    "kill": kill_worker,
}
SORTS = {"workers": WORKERS, "network": NETWORK, "server": SERVER, "jetstream": JETSTREAM}
