"""What the client raises is told in words, with the place: never the name of an exception."""

from __future__ import annotations

import re
import socket

import pytest
from nats.errors import NoServersError
from nats.errors import TimeoutError as NatsTimeout

from interlock.adapters.jetstream.link import Link
from interlock.adapters.jetstream.plain_words import in_words
from interlock.model.problems import StorageUnavailable

CRYPTIC = re.compile(r"Error|Timeout|nats:|_|\[Errno")


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), NatsTimeout(), ConnectionRefusedError(111, "refused"), socket.gaierror(-2, "unknown"),
     ConnectionResetError(104, "reset"), NoServersError(), OSError(113, "x"), OSError(), ValueError("nats: odd")],
)  # fmt: skip
def test_no_class_and_no_number_is_shown(error: Exception) -> None:
    assert in_words(error).startswith("does not answer: ")
    assert not CRYPTIC.search(in_words(error))


async def test_the_place_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StorageUnavailable, match=f"The NATS server at 127.0.0.1:{port} does not answer: "):
            await Link(f"nats://user:secret@127.0.0.1:{port}").open()
