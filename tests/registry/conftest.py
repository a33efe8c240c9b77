from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.registry.served import Served


@pytest.fixture(params=["memory", "sqlite"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path / "store.db" if request.param == "sqlite" else None) as served:
        yield served
