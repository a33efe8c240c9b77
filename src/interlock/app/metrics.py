"""What GET /metrics shows of the engine, gathered when it is asked for."""

from __future__ import annotations

from collections.abc import Callable

from interlock.delivery.breaker import BreakerState
from interlock.delivery.deliverer import Deliverer
from interlock.flows.engine import Engine
from interlock.model.handling import WORDS
from interlock.operate import metrics
from interlock.operate.metrics import Metric, Samples, exposition
from interlock.ports.state_store import MeasuresCommits, StateStore
from interlock.ports.trace_sink import TraceSink


class EngineMetrics:
    """Reads counters and memory; never the store, so that a scrape costs the same at any size."""

    def __init__(
        self,
        engine: Engine,
        deliverer: Deliverer | None,
        store: StateStore,
        sink: TraceSink,
        sources: Callable[[], dict[Metric, Samples]] = dict,
    ) -> None:
        self._engine = engine
        self._deliverer = deliverer
        self._store = store
        self._sink = sink
        self._sources = sources

    def __call__(self) -> str:
        return exposition(
            {**self._flows(), **self._deliveries(), **self._commits(), **self._spans(), **self._sources()}
        )

    def _flows(self) -> dict[Metric, Samples]:
        flows = self._engine.figures()
        return {
            metrics.HANDLINGS: [((row.flow, WORDS[row.state]), row.total) for row in self._engine.tallies],
            metrics.LAG: [((flow.name,), flow.lag) for flow in flows],
            metrics.IN_FLIGHT: [((flow.name,), flow.in_flight) for flow in flows],
            metrics.PARKED: [((flow.name,), flow.parked_keys) for flow in flows],
            metrics.EXPIRED: [((flow.name,), flow.expired) for flow in flows],
            metrics.STUCK: [((flow.name,), self._stuck(flow.name)) for flow in flows],
            **self._shared(),
        }

    def _stuck(self, flow: str) -> int:
        return sum(name == flow for name, _ in self._engine.watchdog.stuck)

    def _shared(self) -> dict[Metric, Samples]:
        unowned = len(self._engine.watchdog.unowned)
        return {metrics.LEASED: [((), self._engine.leased)], metrics.UNOWNED: [((), unowned)]}

    def _deliveries(self) -> dict[Metric, Samples]:
        deliverer = self._deliverer
        if deliverer is None:
            return {}
        return {
            metrics.ATTEMPTS: sorted(deliverer.outcomes.items()),
            metrics.CALLS_IN_FLIGHT: [((), deliverer.in_flight)],
            metrics.CALLS_WAITING: [((), deliverer.in_memory)],
            metrics.BREAKER: [
                ((system, state.value), int(state.value == current))
                for system, current in sorted(deliverer.breakers().items())
                for state in BreakerState
            ],
        }

    def _commits(self) -> dict[Metric, Samples]:
        if not isinstance(self._store, MeasuresCommits):
            return {}
        figures = self._store.commit_figures
        return {metrics.COMMIT_SECONDS: [((), figures.seconds)], metrics.COMMIT_ITEMS: [((), figures.items)]}

    def _spans(self) -> dict[Metric, Samples]:
        return {metrics.SPANS_DROPPED: [((), self._sink.dropped)]}
