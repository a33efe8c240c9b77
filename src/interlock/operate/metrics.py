"""The engine's metrics as a table, and how they are written: Prometheus text exposition format 0.0.4.

`docs/reference/metrics.md` is made from the table. What has no row here cannot be exposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from interlock.model.histogram import Histogram


class Metric(NamedTuple):
    """`labels` in the order in which samples give their values."""

    name: str
    kind: str  # counter, gauge or histogram
    help: str
    labels: tuple[str, ...] = ()


HANDLINGS = Metric(
    "interlock_handlings",
    "gauge",
    "Handlings (the newest generation of each event) by flow and state, as of the last upkeep, a second ago at most.",
    ("flow", "state"),
)
LAG = Metric(
    "interlock_flow_lag_events", "gauge", "Positions between the flow's slowest cursor and the log's head.", ("flow",)
)
IN_FLIGHT = Metric(
    "interlock_flow_in_flight_events", "gauge", "Events that the flow has read and not yet settled.", ("flow",)
)
EXPIRED = Metric(
    "interlock_flow_expired_partitions",
    "gauge",
    "Partitions of this process in which the flow stands: the log outside dropped events that it had still to handle.",
    ("flow",),
)
PARKED = Metric("interlock_flow_parked_keys", "gauge", "Keys that stand behind a failed event.", ("flow",))
STUCK = Metric(
    "interlock_flow_stuck_partitions",
    "gauge",
    "Partitions of this process whose oldest unsettled event is older than `workers.stuck_seconds`.",
    ("flow",),
)
LEASED = Metric(
    "interlock_leased_partitions", "gauge", "Partitions that this process has: all of them, unless it shares its store."
)
UNOWNED = Metric(
    "interlock_unowned_partitions", "gauge", "Partitions that no living process has, for longer than a move."
)
ATTEMPTS = Metric(
    "interlock_delivery_attempts_total",
    "counter",
    "Attempts of outside calls since the start, by what became of the delivery.",
    ("operation", "outcome"),
)
CALLS_IN_FLIGHT = Metric("interlock_delivery_in_flight_calls", "gauge", "Outside calls that are out.")
CALLS_WAITING = Metric(
    "interlock_delivery_waiting_calls", "gauge", "Pending deliveries held in memory; the store may hold more."
)
BREAKER = Metric(
    "interlock_breaker_state", "gauge", "1 for the state that the system's breaker is in.", ("system", "state")
)
COMMIT_SECONDS = Metric(
    "interlock_commit_seconds",
    "histogram",
    "Time that a commit took, in seconds: on SQLite the COMMIT, on PostgreSQL the whole transaction.",
)
COMMIT_ITEMS = Metric("interlock_commit_items", "histogram", "Appended events and steps that shared one commit.")
SPANS_DROPPED = Metric("interlock_trace_dropped_spans_total", "counter", "Sampled spans that were not written.")
SOURCE_ROWS = Metric(
    "interlock_source_rows_total",
    "counter",
    "Rows of users' own tables that this process has relayed since the start: published, known before, refused.",
    ("source", "outcome"),
)
SOURCE_LEADS = Metric("interlock_source_leads", "gauge", "1 in the process that relays the source.", ("source",))
SOURCE_LAG = Metric(
    "interlock_source_lag_seconds",
    "gauge",
    "Age of the oldest row that the relay found when it looked last; 0 when none waited.",
    ("source",),
)

SOURCE_WAITING = Metric(
    "interlock_source_waiting_rows",
    "gauge",
    "Rows that wait in the source's table, as the process that leads it counted a quarter of a minute ago at most.",
    ("source",),
)
SOURCE_REFUSED = Metric(
    "interlock_source_refused_rows", "gauge", "Rows that were set aside because they are no events.", ("source",)
)
SOURCE_SLOT = Metric(
    "interlock_source_slot_bytes",
    "gauge",
    'Log that the PostgreSQL server keeps for the source\'s replication slot (`mode = "logical"`).',
    ("source",),
)

METRICS: tuple[Metric, ...] = (
    HANDLINGS,
    LAG,
    IN_FLIGHT,
    PARKED,
    EXPIRED,
    STUCK,
    LEASED,
    UNOWNED,
    ATTEMPTS,
    CALLS_IN_FLIGHT,
    CALLS_WAITING,
    BREAKER,
    COMMIT_SECONDS,
    COMMIT_ITEMS,
    SPANS_DROPPED,
    SOURCE_ROWS,
    SOURCE_LEADS,
    SOURCE_LAG,
    SOURCE_WAITING,
    SOURCE_REFUSED,
    SOURCE_SLOT,
)

Samples = Iterable[tuple[tuple[str, ...], float | Histogram]]


def exposition(found: Mapping[Metric, Samples]) -> str:
    """The page's lines, each with its line break. ValueError when label values do not fit their metric."""
    lines: list[str] = []
    for metric, samples in found.items():
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        for values, value in samples:
            labels = dict(zip(metric.labels, values, strict=True))
            if isinstance(value, Histogram):
                lines += _histogram(metric.name, labels, value)
            else:
                lines.append(f"{metric.name}{_braces(labels)} {_number(value)}")
    return "".join(f"{line}\n" for line in lines)


def _histogram(name: str, labels: Mapping[str, str], value: Histogram) -> Iterable[str]:
    """Buckets are cumulative, and the last one has no bound."""
    reached = 0
    bounds = [*map(_number, value.bounds), "+Inf"]
    for bound, count in zip(bounds, value.counts, strict=True):
        reached += count
        yield f"{name}_bucket{_braces({**labels, 'le': bound})} {reached}"
    yield f"{name}_sum{_braces(labels)} {_number(value.total)}"
    yield f"{name}_count{_braces(labels)} {reached}"


def _braces(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else repr(float(value))
