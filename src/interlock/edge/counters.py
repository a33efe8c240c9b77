"""What the edge counts, in Prometheus text form (exposition format 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

TEXT = "text/plain; version=0.0.4; charset=utf-8"

# name, type, help: the table that docs and output are made from.
ACCEPTED = ("interlock_edge_accepted_total", "counter", "Events accepted: durable before the caller was answered.")
DUPLICATES = ("interlock_edge_duplicates_total", "counter", "Events that were in the log already.")
REPLAYED = ("interlock_edge_replayed_total", "counter", "Requests answered from a stored answer (Idempotency-Key).")
PROBLEMS = ("interlock_edge_problems_total", "counter", "Requests answered with a problem, by its code.")
IN_FLIGHT = ("interlock_edge_requests_in_flight", "gauge", "Requests whose head was read and that are not answered.")
CONNECTIONS = ("interlock_edge_connections", "gauge", "Open connections.")


METRICS = (ACCEPTED, DUPLICATES, REPLAYED, PROBLEMS, IN_FLIGHT, CONNECTIONS)


class Counters:
    """Since the start of this process."""

    __slots__ = ("accepted", "duplicates", "problems", "replayed")

    def __init__(self) -> None:
        self.accepted = 0
        self.duplicates = 0
        self.replayed = 0
        self.problems: Counter[str] = Counter()

    def render(self, in_flight: int, connections: int, more: Callable[[], str]) -> str:
        """The whole page; `more` adds finished lines of others, each with its line break."""
        lines: list[str] = []
        for metric, value in (
            (ACCEPTED, self.accepted),
            (DUPLICATES, self.duplicates),
            (REPLAYED, self.replayed),
            (IN_FLIGHT, in_flight),
            (CONNECTIONS, connections),
        ):
            lines += [*_head(metric), f"{metric[0]} {value}"]
        lines += _head(PROBLEMS)
        lines += [f'{PROBLEMS[0]}{{code="{code}"}} {total}' for code, total in sorted(self.problems.items())]
        return "\n".join(lines) + "\n" + more()


def _head(metric: tuple[str, str, str]) -> list[str]:
    name, kind, purpose = metric
    return [f"# HELP {name} {purpose}", f"# TYPE {name} {kind}"]
