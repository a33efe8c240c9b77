"""From the settings to the limits of each room."""

from __future__ import annotations

from interlock.edge.limits import EdgeLimits
from interlock.estate.settings import Settings
from interlock.flows.limits import FlowLimits


def flow_limits(settings: Settings) -> FlowLimits:
    limits = settings.limits
    return FlowLimits(
        json_depth=limits.json_depth,
        in_flight=limits.in_flight_per_flow,
        handler_seconds=limits.handler_seconds,
        answer_seconds=limits.answer_hours * 3600,
        stuck_seconds=settings.workers.stuck_seconds,
    )


def edge_limits(settings: Settings) -> EdgeLimits:
    limits = settings.limits
    return EdgeLimits(
        body_bytes=limits.body_bytes,
        json_depth=limits.json_depth,
        batch_events=limits.batch_events,
        headers=limits.headers,
        header_bytes=limits.header_bytes,
        concurrent_requests=limits.concurrent_requests,
        max_lag_events=limits.max_lag_events,
        min_free_disk_bytes=limits.min_free_disk_bytes,
        request_seconds=limits.request_seconds,
        sample_ratio=settings.trace.sample_ratio,
    )
