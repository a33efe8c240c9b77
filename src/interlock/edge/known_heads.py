"""Heads that were read before.

A client on a keep-alive connection sends the same head again and again, but for the length. The parser is
deterministic, so the same bytes at the begin of a message mean the same request: looking them up costs a fifth of
parsing them. Only heads whose fields do not differ from request to request are kept, and only those that leave no
question of framing: a Content-Length or no body, and a connection that stays open.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from interlock.edge.router import Match

CAPACITY = 2048
MAX_BYTES = 1024
STABLE = frozenset({"host", "content-type", "content-length", "user-agent", "accept", "accept-encoding"})


class Head(NamedTuple):
    target: bytes
    match: Match
    headers: Mapping[str, str]
    body_bytes: int
    head_only: bool


class KnownHeads:
    """Bounded: when it is full, it starts anew."""

    __slots__ = ("heads",)

    def __init__(self) -> None:
        self.heads: dict[bytes, Head] = {}

    def learn(self, message: bytes, method: bytes, target: bytes, headers: Mapping[str, str], match: Match) -> None:
        """Keep the head of `message`, one whole request that was parsed and found a route, if it qualifies."""
        if not (headers.keys() <= STABLE and "host" in headers):
            return
        body_bytes = int(headers.get("content-length", "0"))
        head = message[: len(message) - body_bytes]
        if len(head) > MAX_BYTES or not head.endswith(b"\r\n\r\n"):
            return
        if len(self.heads) >= CAPACITY:
            self.heads.clear()
        self.heads[head] = Head(target, match, headers, body_bytes, method == b"HEAD")
