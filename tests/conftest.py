from __future__ import annotations

from pathlib import Path

import pytest
from left_out import PATIENT, SERVERS, among

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        place = item.path.relative_to(HERE).as_posix() if item.path.is_relative_to(HERE) else ""
        if among(place, SERVERS) or "postgres" in item.name:
            item.add_marker(pytest.mark.servers)
        if among(place, PATIENT):
            item.add_marker(pytest.mark.patient)
