"""The final answer of an outside call, as `on_reply` handlers see it."""

from __future__ import annotations

from typing import Any

import msgspec


class Reply(msgspec.Struct, frozen=True):
    """`request` is what was sent, `answer` the JSON that came back (None when it was empty or no JSON)."""

    operation: str
    status: int
    request: dict[str, Any]
    answer: Any

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Answer(msgspec.Struct, frozen=True):
    """What an API handler returns."""

    body: Any
    status: int = 200


class Tick(msgspec.Struct, frozen=True):
    """One due run of a schedule: the moment it was due, RFC 3339 in UTC."""

    schedule: str
    due: str
