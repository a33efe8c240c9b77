"""What the supervisor looks at once: each of the processes would say the same, one after the other, and start anew."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Collection, Mapping

from interlock.adapters.system import SystemClock
from interlock.app.control_path import remove_dead
from interlock.app.listening import cannot_listen
from interlock.app.secrets import signing_secrets
from interlock.app.sources import connection_strings
from interlock.app.stores import open_stores, place_of_store
from interlock.estate.estate import Estate
from interlock.estate.settings import Settings
from interlock.model.problems import AlreadyRunning, NotFound
from interlock.ports.membership import SeesMembers

LOOK_SECONDS = 0.2


async def preflight(estate: Estate, names: Collection[str], environ: Mapping[str, str] = os.environ) -> None:
    """Secrets, ports, store, and that nobody has one of the names.

    Raises what the first process would have told. StorageUnavailable: try again.
    """
    signing_secrets(estate.systems, environ)
    connection_strings(estate.sources.values(), environ)
    remove_dead(estate.store_path)
    await refuse_living(estate, names, environ)  # before the ports: a second supervisor finds those taken too
    await refuse_taken_ports(estate.settings)
    stores = await open_stores(estate)
    await stores.close()


async def refuse_taken_ports(settings: Settings) -> None:
    """By listening there for a moment."""
    for setting, port in (("server.port", settings.server.port), ("registry.port", settings.registry.port)):
        try:
            server = await asyncio.get_running_loop().create_server(asyncio.Protocol, settings.server.host, port)
        except (OSError, UnicodeError) as error:
            raise cannot_listen(settings.server.host, port, setting, error) from error
        server.close()
        await server.wait_closed()


async def refuse_living(estate: Estate, names: Collection[str], environ: Mapping[str, str] = os.environ) -> None:
    """AlreadyRunning when a process of one of these names lives on the store: it was heard of while we looked.

    Who was killed is still among the members until its lease is over, and silent: that is waited for, up to half a
    lease, since the living beat three times in one.
    """
    try:
        reader = await place_of_store(estate, environ).reader()
    except NotFound:
        return
    patience = estate.settings.workers.lease_seconds / 2
    heard: dict[int, float] = {}
    clock = SystemClock()
    try:
        while isinstance(reader, SeesMembers):
            doubtful = [one for one in await reader.members() if one.name in names and one.silent_seconds < patience]
            for one in doubtful:
                if one.silent_seconds < heard.get(one.epoch, 0.0):
                    raise AlreadyRunning(
                        f"A process named {one.name} runs on this store already.",
                        next_step="Stop it first, or give this one another --name; `interlock status` shows who runs.",
                    )
                heard[one.epoch] = one.silent_seconds
            if not doubtful:
                return
            await clock.sleep(LOOK_SECONDS)
    finally:
        await reader.close()
