from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .processes import Deployment


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    made: list[Deployment] = []

    def deploy(**options: object) -> Deployment:
        made.append(Deployment(tmp_path, **options))
        return made[-1]

    yield deploy
    for deployment in made:
        deployment.close()
