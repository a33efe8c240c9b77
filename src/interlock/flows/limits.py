"""Limits of the engine, with the defaults that settings.md documents."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FlowLimits:
    """in_flight          events of one flow that are read and not yet committed
    read_events           events of one partition read at a time
    handler_seconds       how long one run of a handler may take
    store_retry_seconds   wait before a batch goes to a failing store again, doubled with each failure in a row
    store_longest_retry_seconds  where that doubling ends
    tend_seconds          rhythm of upkeep: idle cursors, age limits, expiry
    answer_seconds        how long the answer of a keyed request is kept
    json_depth            nesting of the data of a foreign event
    stuck_seconds         age of a partition's oldest unsettled event beyond which it is named
    """

    in_flight: int = 1024
    read_events: int = 256
    handler_seconds: float = 30.0
    store_retry_seconds: float = 0.2
    store_longest_retry_seconds: float = 1.0
    tend_seconds: float = 1.0
    answer_seconds: float = 86400.0
    json_depth: int = 64
    stuck_seconds: float = 300.0
