from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from interlock.app.control_path import control_path


def test_beside_the_store(tmp_path: Path) -> None:
    assert control_path(Path("/srv/shop.db")) == Path("/srv/shop.db.control")


def test_a_path_that_no_socket_can_have_moves_to_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    deep = Path("/srv") / ("x" * 120) / "shop.db"
    found = control_path(deep)
    assert found == control_path(deep)
    assert found != control_path(deep.with_name("other.db"))
    assert stat.S_IMODE(os.stat(found.parent).st_mode) == 0o700
