from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from interlock.app.control_path import control_path
from interlock.model.problems import SettingInvalid


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


@pytest.mark.parametrize("made", ["open", "link", "file", "strange"])
def test_a_folder_that_is_not_ours_alone_is_refused(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = tmp_path / f"interlock-{os.getuid()}"
    if made == "file":
        folder.touch(mode=0o700)
    elif made == "link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir(mode=0o700)
    if made == "open":
        folder.chmod(0o755)
    if made == "strange":
        uid = os.getuid()
        (tmp_path / f"interlock-{uid + 1}").mkdir(mode=0o700)
        monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    with pytest.raises(SettingInvalid):
        control_path(Path("/srv") / ("x" * 120) / "shop.db")
