"""What the edge will carry before it says no."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """The edge's part of the settings groups `limits` and `trace`; the defaults are theirs.

    collected_bytes bounds the unfinished bodies of all connections together, unanswered_bytes those that wait for an
    answer, as long as a store is away: body_bytes alone would let concurrent_requests of them fill the memory. These
    two, connections, idle_seconds and pipelined_requests are fixed properties of the server rather than settings: they
    protect the process and are no promise to callers.
    """

    body_bytes: int = 1_048_576
    json_depth: int = 64
    batch_events: int = 1000
    headers: int = 64
    header_bytes: int = 16_384
    concurrent_requests: int = 4096
    max_lag_events: int = 1_000_000
    min_free_disk_bytes: int = 268_435_456
    request_seconds: float = 30.0
    sample_ratio: float = 0.01
    connections: int = 16_384
    collected_bytes: int = 268_435_456
    unanswered_bytes: int = 268_435_456
    idle_seconds: float = 75.0
    pipelined_requests: int = 128
