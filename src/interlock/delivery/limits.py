"""How much the deliverer does at once, and how much it keeps in memory."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeliveryLimits:
    """Bounds of the deliverer as a whole, but for the operations' own `concurrency`.

    concurrency          calls that are out at once, over all systems; one alone has three quarters of it at the most
    rows, body_bytes     pending rows and their bodies in memory, shared out evenly among the operations; more stays
                         in the store. One page more can be in memory while it is being sorted in.
    page_rows            rows that one read of the store asks for
    breaker_failures     failures in a row that open a system's breaker
    breaker_seconds      how long it stays open at first; doubled by each failed probe up to breaker_ceiling_seconds
    """

    concurrency: int = 64
    rows: int = 20_000
    body_bytes: int = 67_108_864
    page_rows: int = 500
    breaker_failures: int = 10
    breaker_seconds: float = 2.0
    breaker_ceiling_seconds: float = 60.0
