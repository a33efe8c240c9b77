"""What the table says about a pair of figures."""

from __future__ import annotations

import pytest

from bench.comparison import Comparison, Figure, Findings, short
from bench.parts.latency import percentiles
from bench.report import as_data, text


def pair(ours: float, theirs: float, *, aim: float | None = None, less: bool = False) -> Comparison:
    sides = Figure("Interlock", (ours,)), Figure("rival", (theirs,))
    return Comparison("part", "measure", "x/s", *sides, "keeps nothing", aim, less)


@pytest.mark.parametrize(
    ("row", "ratio", "verdict"),
    [
        (pair(20, 10), 2.0, "win"),
        (pair(10, 20), 0.5, "loss"),
        (pair(12, 10), 1.2, "tie"),
        (pair(20, 10, less=True), 0.5, "loss"),
        (pair(10, 20, less=True), 2.0, "win"),
        (pair(20, 10, aim=2.0), 2.0, "aim 2 met"),
        (pair(19, 10, aim=2.0), 1.9, "aim 2 MISSED"),
    ],
)
def test_verdicts(row: Comparison, ratio: float, verdict: str) -> None:
    assert row.ratio == pytest.approx(ratio)
    assert row.verdict == verdict


def test_the_median_counts() -> None:
    assert Figure("x", (1.0, 100.0, 3.0)).median == 3.0


def test_both_sides_and_the_note_are_printed() -> None:
    found = {"part": Findings([pair(10, 20), pair(30, 20, aim=2.0)], ["skipped something"])}
    page = text(["head"], found)
    assert "rival: keeps nothing" in page
    assert "skipped something" in page
    assert "aims met 0 of 1; beside them 0 wins, 0 ties, 1 losses" in page
    assert as_data(["head"], found)["parts"]["part"]["comparisons"][0]["theirs"]["samples"] == (20,)


def test_spans() -> None:
    sent = {f"O-{n}": (n * 1_000_000, n * 1_000_000 + 500_000) for n in range(100)}
    done = {name: due + 2_500_000 for name, (due, _) in sent.items()}
    assert percentiles(sent, done) == {
        "accepted → handled p50": 2.0,
        "accepted → handled p99": 2.0,
        "sent → handled p50": 2.5,
        "sent → handled p99": 2.5,
    }
    del done["O-3"]
    with pytest.raises(KeyError):
        percentiles(sent, done)


def test_short_figures() -> None:
    assert [short(value) for value in (12_345, 456.7, 7.891, 0.05)] == ["12.3 k", "457", "7.89", "0.05"]
