"""How much a run of the bench does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of one run. Counts are events per round."""

    place: Path
    rounds: int = 5
    ingest_seconds: float = 3.0
    ingest_count: int = 150_000
    whole_count: int = 60_000
    slow_count: int = 30_000
    postgres_count: int = 30_000
    celery_count: int = 5_000
    paced_seconds: float = 20.0
    stored_events: int = 1_000_000
    growth_count: int = 60_000
    stage_count: int = 40_000
    lint_resources: int = 280
    lint_rounds: int = 3
    thorough: bool = True  # also the comparisons that no aim asks for
    rivals: str | None = None  # why they cannot run
    redis: bool = True


def quick(place: Path) -> Plan:
    """Three short rounds, for the noise of every day."""
    return Plan(
        place,
        rounds=3,
        ingest_seconds=1.0,
        ingest_count=50_000,
        whole_count=12_000,
        slow_count=6_000,
        postgres_count=8_000,
        celery_count=600,
        paced_seconds=3.0,
        stored_events=300_000,
        growth_count=12_000,
        stage_count=15_000,
        lint_rounds=1,
        thorough=False,
    )
