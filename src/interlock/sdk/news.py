"""What a run of a saga hears of: the body of the internal events of its flow."""

from __future__ import annotations

from typing import Literal

import msgspec

NewsKind = Literal["answer", "timer", "event", "go_on", "pause", "resume", "cancel"]


class News(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of the internal event by which a run hears of anything. `number` is the entry that it is about."""

    run: str
    kind: NewsKind
    number: int = -1
    data: msgspec.Raw = msgspec.Raw(b"null")
    reason: str = ""
