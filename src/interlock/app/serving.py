"""Running one process until it is told to end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress

from interlock.app.process import Process
from interlock.app.role import EVERYTHING, Role
from interlock.estate.estate import Estate

STUBBORN_SECONDS = 3.0
ORPHAN_SECONDS = 15
EXIT_STUBBORN = 1
SWITCH_INTERVAL_SECONDS = 0.0005
GC_YOUNG_OBJECTS = 100_000


async def serve(
    estate: Estate, ready: Callable[[int], None], role: Role = EVERYTHING, supervisor: int | None = None
) -> None:
    """Run an estate until SIGTERM or SIGINT, or until the pipe `supervisor` is closed at its other end."""
    # The commit thread must get the interpreter back quickly after each fsync; the default of 5 ms would be felt.
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    # What lives as long as the process is taken out of the collector's sight, and young garbage is collected in large
    # lots: events are tuples without cycles, and each collection would walk all that are in flight.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG_OBJECTS, 20, 100)
    process = Process(estate, role)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, process.request_stop)
    if supervisor is not None:
        grace = int(estate.settings.workers.drain_seconds) + ORPHAN_SECONDS
        loop.add_reader(supervisor, lambda: orphaned(supervisor, process, grace))
    try:
        await process.run(ready)
    finally:
        await end_stubborn(STUBBORN_SECONDS)


def orphaned(supervisor: int, process: Process, grace_seconds: int) -> None:
    """The supervisor is gone, however it ended: drain, and be gone in time too, whatever hangs."""
    with suppress(BlockingIOError):
        if os.read(supervisor, 1):
            return
    asyncio.get_running_loop().remove_reader(supervisor)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the system ends the process then, also when no Python code runs
    signal.alarm(grace_seconds)
    process.request_stop()


async def end_stubborn(seconds: float) -> None:
    """End the process also when some code swallows its cancellation: the event loop would wait for it for ever.

    By now the store is closed, and nothing can be lost any more.
    """
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    _, stubborn = await asyncio.wait(tasks, timeout=seconds) if tasks else (set(), set())
    if stubborn:
        names = ", ".join(sorted(str(task.get_coro()) for task in stubborn))
        print(
            f"ended without waiting for {len(stubborn)} task(s) that do not stop: {names}", file=sys.stderr, flush=True
        )
        os._exit(EXIT_STUBBORN)
