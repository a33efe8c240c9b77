"""Port: one HTTP request to the outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol


class HttpAnswer(NamedTuple):
    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes


class HttpClient(Protocol):
    """Sends; never retries, never follows redirects.

    Raises TargetUnavailable, whose `detail` starts with one of the codes `timeout`, `dns`, `connect`, `disconnected`,
    `body_too_large`, when no whole answer came. The request may have had its effect all the same.
    """

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer: ...

    async def close(self) -> None: ...
