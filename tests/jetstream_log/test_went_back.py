"""A stream that ends below what was acknowledged has lost it; what is acknowledged meanwhile says nothing."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from interlock.adapters.jetstream import hearing
from interlock.adapters.jetstream.hearing import Hearing
from interlock.adapters.jetstream.link import Link


class FakeLink:
    """A stream that grows by `growth` while each question is under way."""

    def __init__(self, last: int, growth: int) -> None:
        self.up = asyncio.Event()
        self.acknowledged = self.last = last
        self._growth = growth

    def watch(self, changed: Any) -> None: ...

    async def request(self, subject: str, *_: Any, **__: Any) -> dict[str, Any]:
        told = self.last
        self.last += self._growth
        self.acknowledged += self._growth
        return {"state": {"last_seq": told}}


@pytest.mark.parametrize(("lost", "growth", "told"), [(0, 3, []), (2, 0, [8])])
async def test_a_check_under_load(monkeypatch: pytest.MonkeyPatch, lost: int, growth: int, told: list[int]) -> None:
    monkeypatch.setattr(hearing, "HEARTBEAT_SECONDS", 0)
    link = FakeLink(10, growth)
    link.last -= lost
    ends: list[int] = []
    ears = Hearing(cast(Link, link), "s", 0, lambda found: None, lambda: link.acknowledged, ends.append)
    await ears._check_end()
    await ears.close()
    assert ends == told
