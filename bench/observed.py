"""`interlock up`, and beside it the moment of each handling's commit: `python -m bench.observed ESTATE STAMPS`.

A handler cannot see its own commit. The event that it emits is published by that commit, after it is durable
(EventLog.listen), so its publication is the moment. Stamps are kept in memory and written at the end.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from interlock.app import process, serving
from interlock.cli.up import listening
from interlock.estate.loader import load
from interlock.model.event import Stored

NOTED = "orders.OrderNoted"


class Observed(process.Process):
    """A Process with one more listener on its log."""

    async def start(self) -> None:
        await super().start()
        self.stamps: list[tuple[str | None, int]] = []
        self.log.listen(self._stamp)

    def _stamp(self, stored: Sequence[Stored]) -> None:
        now = time.time_ns()
        self.stamps.extend((event.causation, now) for _, event in stored if event.type == NOTED)

    async def stop(self) -> None:
        await super().stop()
        with Path(sys.argv[2]).open("w") as file:
            file.writelines(f"{cause} {done}\n" for cause, done in self.stamps)


def main() -> None:
    estate = load(Path(sys.argv[1]))
    serving.Process = Observed  # type: ignore[attr-defined]  # what `serve` makes
    uvloop.run(serving.serve(estate, lambda port: print(listening(estate, port), flush=True)))


if __name__ == "__main__":
    main()
