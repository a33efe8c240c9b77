from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from left_out import LONG, PATIENT, SERVERS, among

pytest.register_assert_rewrite("interlock.testing")  # before any test imports of it
settings.register_profile("busy", suppress_health_check=[HealthCheck.too_slow], deadline=None)  # the machine, not us
settings.load_profile("busy")
HERE = Path(__file__).parent
LONG_SECONDS = 300  # for whole products and campaigns, which bound themselves, on a machine that others use too


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="do not even read the files that tests/left_out.py names")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Reading them takes as long as running many of the others."""
    left_out = config.getoption("quick") and among(place_of(collection_path), SERVERS + PATIENT)
    return True if left_out else None  # None: as it would be without us


def place_of(path: Path) -> str:
    return path.relative_to(HERE).as_posix() if path.is_relative_to(HERE) else ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not among(place_of(item.path), LONG))
    for item in items:
        place = place_of(item.path)
        if among(place, SERVERS) or "postgres" in item.name:
            item.add_marker(pytest.mark.servers)
        if among(place, PATIENT):
            item.add_marker(pytest.mark.patient)
        whole = item.get_closest_marker("faults") or item.get_closest_marker("journey")
        if whole and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(LONG_SECONDS))
