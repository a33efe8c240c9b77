"""Deletes a stream that nobody needs any more, when it is the one that is meant, and nothing in it is new."""

from __future__ import annotations

from typing import Any

from interlock.adapters.jetstream.link import ApiRefusal, Link
from interlock.adapters.jetstream.stream import ASK_SECONDS, NO_STREAM
from interlock.model.problems import NotFound, SettingInvalid


async def delete_leftover(servers: str, stream: str, identity: str, end: int) -> int:
    """How many messages it held. `end` is the last sequence that was carried elsewhere.

    NotFound when there is no such stream; SettingInvalid when it is another log, or holds what came later.
    """
    link = Link(servers)
    await link.open()
    try:
        try:
            info = await link.request(f"STREAM.INFO.{stream}", seconds=ASK_SECONDS)
            _judge(stream, info, identity, end)
            await link.request(f"STREAM.DELETE.{stream}", seconds=ASK_SECONDS)
        except ApiRefusal as refused:
            if refused.code == NO_STREAM:
                raise NotFound(
                    f"There is no stream {stream} at {link.place}.", next_step="Nothing is left to delete."
                ) from refused
            raise SettingInvalid(
                f"The servers at {link.place} do not delete the stream {stream}: {refused}.",
                next_step="Delete it as a user that may: nats stream rm",
            ) from refused
    finally:
        await link.close()
    return int(info["state"]["messages"])


def _judge(stream: str, info: dict[str, Any], identity: str, end: int) -> None:
    found = (info["config"].get("metadata") or {}).get("interlock-identity", "")
    if not identity or found != identity:
        raise SettingInvalid(
            f"The stream {stream} is not the log that was carried away: it is {found or 'no log of Interlock'}.",
            next_step="Name the schema that it belonged to: --schema NAME",
        )
    later = info["state"]["last_seq"] - end
    if later > 0:
        raise SettingInvalid(
            f"{later} messages were put into the stream {stream} after its events were carried away.",
            next_step="Somebody still publishes there: point them elsewhere and send these again, then: nats stream rm",
        )
