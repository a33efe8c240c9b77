from __future__ import annotations

from itertools import islice

from interlock.model.pauses import Pauses, spread
from interlock.testing.seeded_ids import SeededIds


def test_pauses_double_up_to_their_bound_and_begin_anew() -> None:
    pauses = Pauses(0.25, 1.0, lambda: 0.5)
    assert list(islice(pauses, 4)) == [0.25, 0.5, 1.0, 1.0]
    pauses.begin_anew()
    assert next(pauses) == 0.25


def test_chance_spreads_over_as_much_as_the_pause() -> None:
    assert spread(2.0, lambda: 0.0) == 1.0
    assert spread(2.0, lambda: 0.999) < 3.0
    found = sorted(spread(2.0, SeededIds(seed).chance) for seed in range(200))
    assert found[20] < 1.3
    assert found[180] > 2.7
