"""A request, its answer, and the way the one leads to the other."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

log = logging.getLogger(__name__)

JSON = "application/json"
NO_PARAMS: Mapping[str, str] = {}


class Request:
    """One whole request. Built on the hot path: slots and no validation of its own.

    path      as sent, still percent-encoded, without the query
    query     what follows `?`, still percent-encoded
    headers   names in lower case; repeated fields are joined by ", " (RFC 9110 section 5.3); never change them,
              other requests may share the mapping
    params    values of the route's template variables, percent-decoded
    """

    __slots__ = ("body", "headers", "method", "params", "path", "query")

    def __init__(
        self,
        method: str,
        path: str,
        query: str,
        headers: Mapping[str, str],
        body: bytes,
        params: Mapping[str, str] = NO_PARAMS,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.params = params

    @property
    def target(self) -> str:
        """Path and query as sent."""
        return f"{self.path}?{self.query}" if self.query else self.path


class Response:
    """One whole answer. `headers` are sent as they are, besides the ones that the server adds itself."""

    __slots__ = ("body", "content_type", "headers", "status")

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        content_type: str = JSON,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers


Responder: TypeAlias = Callable[[Response], None]
"""Answers the request: exactly once, on the event loop's thread, now or later. A lost caller is no error."""

Handler: TypeAlias = Callable[[Request, Responder], None]
"""Serves a request without blocking. A raised Problem is answered as such."""


class Connection(Protocol):
    """What an exchange tells its connection."""

    def answered(self, body_bytes: int) -> None: ...


class Exchange:
    """One request and its answer-to-be. `body_bytes` of it are in memory until it is answered."""

    __slots__ = ("_connection", "body_bytes", "close", "head_only", "keep_alive", "response")

    def __init__(self, connection: Connection, head_only: bool, keep_alive: bytes, close: bool) -> None:
        self._connection = connection
        self.body_bytes = 0
        self.head_only = head_only
        self.keep_alive = keep_alive
        self.close = close
        self.response: Response | None = None

    def respond(self, response: Response) -> None:
        """See `Responder`."""
        if self.response is not None:
            log.error("a request was answered twice; the second answer, with status %d, is dropped", response.status)
            return
        self.response = response
        self._connection.answered(self.body_bytes)
