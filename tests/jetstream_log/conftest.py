from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import jetstream
import pytest

from interlock.adapters.jetstream import JetStreamLog, publisher, recovery

from .proxy import Proxy

Opener = Callable[..., Awaitable[JetStreamLog]]


@pytest.fixture
def stream() -> str:
    return jetstream.new_stream()


@pytest.fixture
async def opener(stream: str) -> AsyncIterator[Opener]:
    """Opens the log of a fresh stream, as often as wanted, and closes and drops it in the end."""
    made: list[JetStreamLog] = []

    async def open_log(url: str | None = None, log_class: type[JetStreamLog] = JetStreamLog, **more: Any) -> Any:
        options: dict[str, Any] = {"stream": stream, "partitions": 4, "secret": jetstream.SECRET, **more}
        log = await log_class.open(url or jetstream.server().url, **options)
        made.append(log)
        return log

    yield open_log
    for log in made:
        await log.close()
    outside = jetstream.Outside(jetstream.server().url)
    outside.ask(f"STREAM.DELETE.{stream}")
    outside.close()


@pytest.fixture
async def proxy(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    """To the shared server; answers are waited for less long than usual."""
    monkeypatch.setattr(recovery, "ACK_SECONDS", 0.4)
    monkeypatch.setattr(publisher, "ACK_SECONDS", 0.4)
    async with Proxy(jetstream.server().url) as running:
        yield running
