"""A stream that a move left behind is deleted, and no other one."""

from __future__ import annotations

import jetstream
import nats
import pytest

from interlock.adapters.jetstream.leftover import delete_leftover
from interlock.model.problems import NotFound, SettingInvalid

IDENTITY = "ab" * 16


async def test_only_the_log_that_is_meant_and_with_nothing_new_in_it() -> None:
    url, stream = jetstream.server().url, jetstream.new_stream()
    config = {
        "name": stream,
        "subjects": [f"{stream}.>"],
        "deny_delete": True,
        "metadata": {"interlock-identity": IDENTITY},
    }
    outside = jetstream.Outside(url)
    assert "error" not in outside.ask(f"STREAM.CREATE.{stream}", config)
    client = await nats.connect(url)
    for number in range(3):
        await client.jetstream().publish(f"{stream}.p.0", str(number).encode())
    await client.close()

    with pytest.raises(SettingInvalid, match="is not the log that was carried away"):
        await delete_leftover(url, stream, "cd" * 16, 3)
    with pytest.raises(SettingInvalid, match="is not the log"):
        await delete_leftover(url, stream, "", 3)
    with pytest.raises(SettingInvalid, match="1 messages were put into the stream"):
        await delete_leftover(url, stream, IDENTITY, 2)
    assert "error" not in outside.ask(f"STREAM.INFO.{stream}")
    assert await delete_leftover(url, stream, IDENTITY, 3) == 3
    with pytest.raises(NotFound, match="There is no stream"):
        await delete_leftover(url, stream, IDENTITY, 3)
