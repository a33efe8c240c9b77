"""What a move leaves behind outside the databases: deleted when it is proven that nobody needs it."""

from __future__ import annotations

import os

from interlock.app.outside_logs import extra
from interlock.app.references import value_of
from interlock.app.stores import connection_string, postgres_driver
from interlock.estate.estate import Estate
from interlock.model.problems import SettingInvalid


async def forget(estate: Estate, stream: str, schema: str) -> int:
    """Delete the stream of the state in `schema`, which was moved. How many messages it held.

    SettingInvalid unless the settings no longer use a stream, the state was moved, the stream is the log of that state,
    and nothing came into it afterwards.
    """
    settings = estate.settings
    if settings.stores.log == "jetstream":
        raise SettingInvalid(
            f"The estate runs on JetStream: stores.log names it, and jetstream.stream is {settings.jetstream.stream}.",
            next_step="Only what was moved away from can be forgotten: set stores.log to where the data is now.",
        )
    with postgres_driver():
        from interlock.adapters.postgres.leftover import leftover
    with extra("The log that was left is in JetStream", "jetstream"):
        from interlock.adapters.jetstream.leftover import delete_leftover
    left = await leftover(connection_string(settings.stores.dsn, os.environ), schema)
    if left.moved_to is None or left.log != "jetstream":
        why = "was not moved" if left.moved_to is None else f"has its log in {left.log}"
        raise SettingInvalid(
            f"The state in the schema {schema} {why}, so nothing of it is forgotten.",
            next_step="Name the schema that was moved away from: --schema NAME",
        )
    servers = value_of("jetstream.servers", settings.jetstream.servers, "nats://host:4222", os.environ)
    return await delete_leftover(servers, stream, left.identity, left.end)
