"""How much of a user's database is held in memory at once, and how long it may take to answer."""

from __future__ import annotations

from dataclasses import dataclass

CONNECT_SECONDS = 5
ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Bounds:
    """row_bytes: data of one row beyond which it is not loaded; limit_bytes: data of one read, about."""

    row_bytes: int = 1_048_576
    limit_bytes: int = 8_388_608
