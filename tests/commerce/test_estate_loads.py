"""The engine's own loader takes the estate: no finding, no stale class."""

from __future__ import annotations

from commerce.places import ESTATE
from interlock.estate.loader import examine


def test_the_estate_has_no_findings() -> None:
    examination = examine(ESTATE)
    assert examination.findings == ()
    assert len(examination.estate.flows) == 7
    assert examination.estate.apis.keys() == {"shop.importInvoice"}


def test_retries_outlast_a_restart_of_a_system() -> None:
    for system in examine(ESTATE).estate.systems.values():
        for operation in system.operations.values():
            assert sum(operation.retry.delays_seconds) > 300
            assert operation.timeout_seconds <= 2
