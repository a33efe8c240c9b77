"""A campaign on a cluster: clients at work, one nemesis after the other, then the verdicts of the kill tests.

`python -m faults.cluster.campaign --sort network --faults 8 --seed x FOLDER` moves itself into a network namespace.
Exits with 1 when a verdict is not valid; the history and the logs of all processes stay in the folder.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from interlock.testing.checker import Verdict, equal
from interlock.testing.history import Op

from ..kill.campaign import NEMESIS, Campaign, Outcome, Profile
from ..kill.engine import COMMAND
from .cluster import START_SECONDS, Cluster
from .nemesis import SORTS
from .network import HUB, enter_hub, missing

SETTLE_SECONDS = 40.0  # without a move: longer than a partition is without an owner
SECONDS_FOR_ALL = START_SECONDS + 240.0
SECONDS_FOR_EACH = 60.0  # until others have taken over, and the one that was away is back, on a busy machine
WORKERS = 3
BESIDE = Profile("cluster", writers=10, pause_seconds=0.03, outside_every=3, callers=4)  # for all on one machine
BETWEEN_SECONDS = (0.3, 1.5)
CANNOT = 2
PLANTED = str(Path(__file__).parent / "planted.py")


class ClusterCampaign(Campaign):
    def __init__(
        self,
        folder: Path,
        sort: str,
        seed: str,
        workers: int = WORKERS,
        command: Sequence[str] = COMMAND,
        only: Sequence[str] = (),
    ) -> None:
        """`only`: the kinds of the sort, if not all of them."""
        super().__init__(folder, BESIDE, seed, host=HUB)
        self._sort = {name: nemesis for name, nemesis in SORTS[sort].items() if not only or name in only}
        self.cluster = Cluster(folder, folder / "estate", workers, seed, jetstream=sort == "jetstream", command=command)
        self._engine = self.cluster  # type: ignore[assignment] - as far as the clients and the campaign know
        self._backing = self.cluster.backing

    def most_seconds(self, troubles: int) -> float:
        return SECONDS_FOR_ALL + troubles * SECONDS_FOR_EACH

    def more_verdicts(self) -> list[Verdict]:
        away = self.cluster.away
        return [equal("who was given up while it was away ends as fenced", dict.fromkeys(away, "fenced"), away)]

    async def trouble(self, times: int) -> None:
        """Each kind once before any comes twice."""
        order: list[str] = []
        for _ in range(times):
            order = order or self._random.sample(sorted(self._sort), len(self._sort))
            await asyncio.sleep(self._random.uniform(*BETWEEN_SECONDS))
            name = order.pop()
            begun_us = time.monotonic_ns() // 1000
            whom = await self._sort[name](self.cluster)
            lasted_us = time.monotonic_ns() // 1000 - begun_us
            self._history.add(Op(begun_us, NEMESIS, "info", name, whom, data=lasted_us))
            self._kills += 1


async def campaign(arguments: argparse.Namespace) -> Outcome:
    await enter_hub()
    command = (sys.executable, PLANTED, arguments.bug) if arguments.bug else COMMAND
    made = ClusterCampaign(arguments.folder, arguments.sort, arguments.seed, arguments.workers, command, arguments.only)
    try:
        outcome = await made.run(arguments.faults, SETTLE_SECONDS)
    finally:
        made.cluster.end_servers()
    for served in (made.cluster.edge, *made.cluster.workers):
        print(f"   {served.name} ended {dict(Counter(served.ends))}")
    return outcome


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sort", choices=sorted(SORTS), default="workers")
    parser.add_argument("--faults", type=int, default=8)
    parser.add_argument("--workers", type=int, default=WORKERS)
    parser.add_argument("--only", action="append", default=[], help="a kind of the sort; may be given again")
    parser.add_argument("--bug", help="planted into all processes; see planted.py")
    parser.add_argument("--seed", default=os.environ.get("INTERLOCK_SEED") or secrets.token_hex(4))
    arguments = parser.parse_args()
    if why := missing():
        print(why)
        return CANNOT
    outcome = asyncio.run(campaign(arguments))
    print(outcome)
    return 1 if outcome.invalid or outcome.exit_code else 0


if __name__ == "__main__":
    sys.exit(main())
