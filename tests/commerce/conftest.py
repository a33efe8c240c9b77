"""Makes `estate` mean estates/commerce, for tests that call its parts without loading it whole."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from commerce.places import ESTATE, UCI

package = ModuleType("estate")
package.__path__ = [str(ESTATE)]
sys.modules.setdefault("estate", package)


@pytest.fixture
def uci() -> Path:
    if not UCI.is_dir():
        pytest.skip("the UCI data is not here: ../shared/data/online-retail")
    return UCI
