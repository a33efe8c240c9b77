"""A relay whose process is killed between the append and the settlement: python -m user_tables.dying_relay …

Arguments: dialect, connection string, store (empty: the one that the estate's settings name), estate,
"settles-first" for the planted bug.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

from interlock.adapters.sqlite import SqliteStore
from interlock.app.stores import open_stores, place_of_store
from interlock.estate.contract_files import sound_events
from interlock.estate.loader import load
from interlock.ports.event_log import EventLog
from user_tables.databases import Database
from user_tables.relaying import relay_over


class Deadly:
    """The log answers, and nobody hears it."""

    def __init__(self, store: EventLog) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def append(self, events: Any, done: Any) -> None:
        self._store.append(events, lambda appended, problem: os.kill(os.getpid(), signal.SIGKILL))


async def opened(store: str, root: Path) -> tuple[EventLog, Any]:
    if store:
        return await SqliteStore.open(Path(store)), None
    estate = load(root)
    return (await open_stores(estate)).log, await place_of_store(estate).reader()


async def main(kind: Any, dsn: str, store: str, estate: str, planted: bool) -> None:
    log, record = await opened(store, Path(estate))
    source = Database(kind, dsn).source()
    relay = relay_over(source, Deadly(log), sound_events(Path(estate)), record=record, batch=4)
    if planted:  # settles what it has read, and dies before the log has it
        await source.lead()
        await source.settle(await source.read(4), [])
        os.kill(os.getpid(), signal.SIGKILL)
    await relay.run()


if __name__ == "__main__":
    kind, dsn, store, estate, planted = sys.argv[1:]
    asyncio.run(main(kind, dsn, store, estate, planted == "settles-first"))
