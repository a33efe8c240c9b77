"""What befalls a cluster, by name. Each ends with the cluster as it was, but for processes that ended themselves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable

import psycopg

from .cluster import LEASE_SECONDS, Cluster, Served

Nemesis = Callable[[Cluster], Awaitable[str]]
WITHIN, BEYOND = (0.1, 1.0), (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2.0)  # of the lease
STORM_SECONDS = 1.0


def victim(cluster: Cluster) -> Served:
    return cluster.random.choice(cluster.workers)


async def kill_worker(cluster: Cluster) -> str:
    worker = victim(cluster)
    worker.signal(signal.SIGKILL)
    return worker.name


async def kill_edge(cluster: Cluster) -> str:
    cluster.edge.signal(signal.SIGKILL)
    return "edge"


async def ask_to_leave(cluster: Cluster) -> str:
    """As at each rolling restart."""
    worker = victim(cluster)
    worker.signal(signal.SIGTERM)
    return worker.name


async def _stop_for(cluster: Cluster, seconds: tuple[float, float]) -> str:
    worker = victim(cluster)
    worker.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(cluster.random.uniform(*seconds))
    finally:
        worker.signal(signal.SIGCONT)
    return worker.name


async def pause_shortly(cluster: Cluster) -> str:
    return await _stop_for(cluster, WITHIN)


async def pause_beyond_lease(cluster: Cluster) -> str:
    """The others take over; when it wakes up it must not write."""
    return await _stop_for(cluster, BEYOND)


async def _lose(cluster: Cluster, percent: int, seconds: tuple[float, float]) -> str:
    worker = victim(cluster)
    if worker.host is None or not worker.alive:
        return "nobody"
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
    return await _lose(cluster, 100, BEYOND)


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
SERVER: dict[str, Nemesis] = {"restart": restart_server, "freeze": freeze_server, "storm": storm, "kill": kill_worker}
SORTS = {"workers": WORKERS, "network": NETWORK, "server": SERVER}
