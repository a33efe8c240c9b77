"""A member that wants the same cells as others, in a process of its own: `python member_process.py DSN SCHEMA SEED`.

Prints what it was told: per outcome of each kind of step, how many.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter

from interlock.adapters.postgres import PostgresStore
from interlock.model.record import DeliveryState
from interlock.model.step import Put, Read, Step, StepResult
from interlock.testing.samples import FLOW, TYPE, answer, commit, delivered, delivery, start, submit
from interlock.testing.steps import take

CELLS = "abcde"
STOCK = 60
ROUNDS = 12
AT_ONCE = 4


async def work(store: PostgresStore, epoch: int, seed: int) -> Counter[str]:
    """Rounds of steps, several at once: increments of cells in any order, takes, answers and ends of deliveries."""
    told: Counter[str] = Counter()
    chance = random.Random(seed)

    async def one(kind: str, step: Step) -> bool:
        problem = (await submit(store, commit(epoch, step)))[0]
        told[f"{kind} {'applied' if problem is None else type(problem).__name__}"] += 1
        return problem is None

    async def increment() -> None:
        """Two cells by one, as often as it takes; a third one is only read."""
        while True:
            first, second, read = chance.sample(CELLS, 3)
            found = {key: await store.get("sums", key) for key in (first, second, read)}
            reads = tuple(Read("sums", key, cell.version if cell else 0) for key, cell in found.items())
            puts = tuple(
                Put("sums", key, b"%d" % (int(cell.value if cell else b"0") + 1))
                for key, cell in found.items()
                if key != read
            )
            if await one("increment", Step(result=StepResult(reads=reads, puts=puts))):
                return

    async def lane(nth: int) -> None:
        for round_ in range(ROUNDS):
            number = round_ * AT_ONCE + nth
            await increment()
            await one("take", Step(result=take("hot", 1)))
            await one("answer", Step(answer=answer(f"scope {number}")))
            state = chance.choice((DeliveryState.SUCCEEDED, DeliveryState.DEAD))
            await one("delivery", Step(delivery=delivered(delivery(f"d{number}"), state, seed)))

    await asyncio.gather(*map(lane, range(AT_ONCE)))
    return told


async def main(dsn: str, schema: str, seed: int) -> None:
    store = await PostgresStore.open(dsn, schema=schema)
    epoch = await store.join(start(), {FLOW: [TYPE]}, f"process {seed}", runs_flows=True, lease_seconds=60.0)
    print(json.dumps(await work(store, epoch, seed)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
