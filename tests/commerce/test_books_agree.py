"""The flow's mapping and the reconciler's own must agree, on many seeds and on real data."""

from __future__ import annotations

from pathlib import Path

import pytest

from commerce.estate_simulation import Simulation, simulate
from demo.generator import write
from demo.reconciler.__main__ import reconcile, summary


def judge(source: Path, folder: Path) -> dict[str, object]:
    return summary(*reconcile(source, folder, folder / "stock.json", folder / "dlq.json"))


@pytest.mark.parametrize("seed", range(25))
def test_books_agree_on_the_generated_stream(seed: int, tmp_path: Path) -> None:
    source = tmp_path / "orders.csv"
    write(source, seed, 150)
    simulation = simulate(source, tmp_path, seed)
    result = judge(source, tmp_path)
    assert result["differences"] == {}
    assert _leftovers(simulation) == set()


def test_the_built_in_stream_meets_every_fate(tmp_path: Path) -> None:
    source = tmp_path / "orders.csv"
    write(source, 1, 600)
    simulate(source, tmp_path, 1)
    result = judge(source, tmp_path)
    assert result["agrees"]
    assert result["fates"].keys() == {"filled", "shorted", "declined"}
    assert len(result["refusals"]) >= 11


def test_books_agree_on_real_orders(uci: Path, tmp_path: Path) -> None:
    simulation = simulate(uci, tmp_path, 5)
    result = judge(uci, tmp_path)
    assert result["differences"] == {}
    assert result["rows"] == 41217
    assert simulation.facts["orders.OrderPlaced"] == result["orders"]
    print(result)


def _leftovers(simulation: Simulation) -> set[str]:
    """State that should be gone once every order's fate is settled."""
    return {table for table, _ in simulation.tables.rows} & {"wishes", "receivables"}
