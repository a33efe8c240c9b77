"""How many commits a stretch of the index takes when the times of its events lie in many dedupe buckets."""

from __future__ import annotations

import random
import time

import pytest

from interlock.adapters.postgres.claims import Claims
from interlock.adapters.postgres.state import PostgresState
from interlock.model.event import Stored
from interlock.ports.event_log import Slice
from interlock.ports.log_index import Stretch
from interlock.testing.samples import event

BUCKET_SECONDS = 43_200
YEAR_US = 365 * 86_400_000_000


def commits_for(times_us: list[int]) -> int:
    """As `extend` does it: the newest bucket is known after each commit, and takes all that is older."""
    state = object.__new__(PostgresState)
    state._claims = Claims(BUCKET_SECONDS)
    rows = [Stored(nth, event(nth)._replace(time_us=moment)) for nth, moment in enumerate(times_us, 1)]
    count, told = 0, 0
    for moment_us, part in state._by_bucket([Stretch(0, 0, Slice(rows, len(rows)))]):
        state._claims.newest = max(state._claims.newest, state._claims.bucket(moment_us))
        count, told = count + 1, told + sum(len(stretch.part.events) for stretch in part.values())
    assert told == len(rows)
    return count


@pytest.mark.parametrize("seed", range(5))
def test_times_without_order_make_few_commits(seed: int) -> None:
    """A later bucket takes older events too, so only a new latest one makes a cut: of 512 random times a few."""
    chance, now_us = random.Random(seed), time.time_ns() // 1000
    assert commits_for([now_us - chance.randrange(YEAR_US) for _ in range(512)]) <= 15
