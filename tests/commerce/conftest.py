"""Makes `estate` importable as the engine's loader does, here for estates/commerce."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
ESTATE = ROOT / "estates" / "commerce"
UCI = ROOT.parent / "shared" / "data" / "online-retail"

sys.path.insert(0, str(ROOT))
package = ModuleType("estate")
package.__path__ = [str(ESTATE)]
sys.modules.setdefault("estate", package)


@pytest.fixture
def uci() -> Path:
    if not UCI.is_dir():
        pytest.skip("the UCI data is not here: ../shared/data/online-retail")
    return UCI
