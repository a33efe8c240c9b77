"""How long until work goes on: after the SIGKILL of a worker, and after the loss of the leader of a JetStream log.

`python -m faults.cluster.recovery worker --lease 2 --times 5 FOLDER` and `... leader --times 5 FOLDER`. While clients
post without a pause:

worker  from the SIGKILL until each partition that it had has an event handled by another one
leader  from the SIGKILL until an event is acknowledged that was sent after it
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from interlock.testing.history import History

from .campaign import ClusterCampaign
from .cluster import SCHEMA, Cluster
from .nemesis import victim
from .network import enter_hub, missing

MOST_SECONDS = 120.0
BETWEEN_SECONDS = 1.0
CANNOT = 2


class Stopwatch(ClusterCampaign):
    """Clients at work as in a campaign; nothing is judged but the time."""

    def __init__(self, folder: Path, what: str, lease_seconds: float) -> None:
        super().__init__(folder, "jetstream" if what == "leader" else "workers", "recovery")
        self.lease_seconds = lease_seconds
        self._measure: Callable[[], Awaitable[float]] = self._leader if what == "leader" else self._worker
        self.seconds: list[float] = []

    async def trouble(self, times: int) -> None:
        for _ in range(times):
            await self.cluster.ready()
            await asyncio.sleep(BETWEEN_SECONDS)
            self.seconds.append(await self._measure())
            self._kills += 1

    async def _worker(self) -> float:
        worker = await victim(self.cluster)
        held = f"SELECT l.partition FROM {SCHEMA}.lease l JOIN {SCHEMA}.member m USING (epoch)"
        rows = await self.cluster.rows(f"{held} WHERE m.name LIKE '%/{worker.pid}'")
        begun, begun_us = time.monotonic(), time.time_ns() // 1000
        worker.signal(signal.SIGKILL)
        left = {row[0] for row in rows}
        handled = f"SELECT DISTINCT partition FROM {SCHEMA}.handling WHERE at_us > {begun_us}"
        while left and time.monotonic() - begun < MOST_SECONDS:
            left -= {row[0] for row in await self.cluster.rows(handled)}
        return time.monotonic() - begun

    async def _leader(self) -> float:
        assert self.cluster.nats is not None
        leader = await asyncio.to_thread(self.cluster.nats.leader, SCHEMA)
        begun_us = time.monotonic_ns() // 1000
        leader.kill()
        while (found := first_answer(self._history, begun_us)) is None:  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.05)
        await asyncio.to_thread(leader.start)
        return (found - begun_us) / 1_000_000


def first_answer(history: History, begun_us: int) -> int | None:
    """When an event was acknowledged that was first sent after that moment."""
    sent: set[str] = set()
    for op in history:
        if op.act == "entry" and op.at_us > begun_us:
            if op.phase == "invoke":
                sent.add(op.id)
            elif op.phase == "ok" and op.id in sent:
                return op.at_us
    return None


async def measure(arguments: argparse.Namespace) -> list[float]:
    await enter_hub()
    made = Stopwatch(arguments.folder, arguments.what, arguments.lease)
    cluster: Cluster = made.cluster
    try:
        print(await made.run(arguments.times, MOST_SECONDS))
    finally:
        cluster.end_servers()
    return made.seconds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["worker", "leader"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lease", type=float, default=10.0)
    parser.add_argument("--times", type=int, default=5)
    arguments = parser.parse_args()
    if why := missing():
        print(why)
        return CANNOT
    found = sorted(asyncio.run(measure(arguments)))
    print(f"{arguments.what}: median {statistics.median(found):.1f} s, {found[0]:.1f} to {found[-1]:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
