"""HttpClient on aiohttp: one pool of connections for all systems."""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp

from interlock.model.problems import Closed, TargetUnavailable
from interlock.ports.http_client import HttpAnswer

_CODES: tuple[tuple[type[BaseException], str], ...] = (  # the first that fits
    (TimeoutError, "timeout"),  # covers aiohttp's ServerTimeoutError
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientConnectorError, "connect"),
    (aiohttp.InvalidURL, "connect"),
    (aiohttp.NonHttpUrlClientError, "connect"),
    (aiohttp.ClientError, "disconnected"),
    (OSError, "disconnected"),
)


class AiohttpClient:
    """Sends once: no retry, no redirect, no cookie, no proxy from the environment.

    `body_bytes` bounds the answer after decompression. `connections` bounds the pool as a whole; how many go to one
    system is the deliverer's to decide.
    """

    def __init__(self, *, connections: int = 256, body_bytes: int = 1_048_576, connect_seconds: float = 10) -> None:
        self._connections = connections
        self._body_bytes = body_bytes
        self._connect_seconds = connect_seconds
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_seconds: float
    ) -> HttpAnswer:
        timeout = aiohttp.ClientTimeout(total=timeout_seconds, sock_connect=self._connect_seconds)
        session = self._opened()
        try:
            async with session.request(
                method, url, headers=headers, data=body, timeout=timeout, allow_redirects=False
            ) as answer:
                content = await self._bounded(answer)
                names = {name.lower(): value for name, value in answer.headers.items()}
                return HttpAnswer(answer.status, names, content)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            if self._closed:
                raise Closed("The HTTP client was closed while a request was on its way.") from error
            raise _translated(error) from error

    async def close(self) -> None:
        self._closed = True
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """Made on first use, since aiohttp wants a running loop."""
        if self._closed:
            raise Closed("The HTTP client is closed.")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent",),
                trust_env=False,
            )
            # aiohttp resends GET, PUT and DELETE by itself when a pooled connection turns out dead. The port promises
            # that one send is one request, and attempts are counted; there is no public switch.
            self._session._retry_connection = False
        return self._session

    async def _bounded(self, answer: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in answer.content.iter_any():
            content += chunk
            if len(content) > self._body_bytes:
                answer.close()  # the rest would be read only to keep the connection
                raise TargetUnavailable(f"body_too_large: the answer has more than {self._body_bytes} bytes.")
        return bytes(content)


def _translated(error: BaseException) -> TargetUnavailable:
    """Only the kind of the error is told: its text can hold the address with its query."""
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    return TargetUnavailable(f"{code}: {type(error).__name__}.")
