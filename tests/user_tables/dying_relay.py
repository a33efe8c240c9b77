"""A relay whose process is killed between the append and the settlement: python -m user_tables.dying_relay …

Arguments: dialect, connection string, store, estate, "settles-first" for the planted bug.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from interlock.adapters.sqlite import SqliteStore
from interlock.estate.contract_files import sound_events
from user_tables.databases import Database
from user_tables.relaying import relay_over


class Deadly:
    """The log answers, and nobody hears it."""

    def __init__(self, store: SqliteStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, events: Any, done: Any) -> None:
        self._store.append(events, lambda appended, problem: os.kill(os.getpid(), signal.SIGKILL))


async def main(kind: Any, dsn: str, store: str, estate: str, planted: bool) -> None:
    log = Deadly(await SqliteStore.open(Path(store)))
    source = Database(kind, dsn).source()
    relay = relay_over(source, log, sound_events(Path(estate)), batch=4)
    if planted:  # settles what it has read, and dies before the log has it
        await source.lead()
        await source.settle(await source.read(4), [])
        os.kill(os.getpid(), signal.SIGKILL)
    await relay.run()


if __name__ == "__main__":
    kind, dsn, store, estate, planted = sys.argv[1:]
    asyncio.run(main(kind, dsn, store, estate, planted == "settles-first"))
