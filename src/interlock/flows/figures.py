"""One flow, as it stands in memory."""

from __future__ import annotations

from typing import NamedTuple


class FlowFigures(NamedTuple):
    """lag          positions between the slowest cursor and the head of the log
    in_flight    events read and not yet settled
    parked_keys  keys that stand behind a failed event
    expired      partitions that stand, since the log dropped what was still to be handled there
    """

    name: str
    lag: int
    in_flight: int
    parked_keys: int
    expired: int = 0
