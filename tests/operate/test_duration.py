from __future__ import annotations

import pytest

from interlock.operate.duration import each_in_words, in_words


@pytest.mark.parametrize(
    ("us", "words"),
    [
        (0, "under 1 ms"),
        (999, "under 1 ms"),
        (3_200, "3 ms"),
        (812_000, "812 ms"),
        (999_499, "999 ms"),
        (999_500, "1 s"),
        (1_000_000, "1 s"),
        (2_416_000, "2.4 s"),
        (9_949_999, "9.9 s"),
        (9_960_000, "10 s"),
        (35_400_000, "35 s"),
        (59_600_000, "1 min"),
        (250_000_000, "4 min 10 s"),
        (7_200_000_000, "2 h"),
        (7_500_000_000, "2 h 5 min"),
        (86_400_000_000, "1 day"),
        (273_600_000_000, "3 days 4 h"),
    ],
)
def test_in_words(us: int, words: str) -> None:
    assert in_words(us) == words


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        ([3], "3 ms"),
        ([3, 2400], "3 ms and 2.4 s"),
        ([3, 9, 2400], "3 ms, 9 ms and 2.4 s"),
        ([9, 3, 2400, 50], "3 ms to 2.4 s"),
        ([3, 3, 3, 3], "3 ms"),
    ],
)
def test_each_in_words(milliseconds: list[int], words: str) -> None:
    assert each_in_words([one * 1000 for one in milliseconds]) == words
