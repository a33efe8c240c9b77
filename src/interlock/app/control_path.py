"""Where the control socket of a store is: the engine listens there, commands find it there."""

from __future__ import annotations

import glob
import hashlib
import os
import socket
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from interlock.model.problems import SettingInvalid

# sun_path of a Unix socket address holds 108 bytes on Linux, 104 on BSD, the closing zero included.
LONGEST_BYTES = 100


def control_path(store: Path, process: str = "") -> Path:
    """Beside the store, one for each process that shares it.

    In a private folder under the system's temporary one when that path is too long.
    SettingInvalid when that folder is not ours alone: anybody may make it before us.
    """
    beside = Path(f"{store}.control{f'.{process}' if process else ''}").absolute()
    if len(os.fsencode(beside)) <= LONGEST_BYTES:
        return beside
    folder = Path(tempfile.gettempdir()) / f"interlock-{os.getuid()}"
    _make_private(folder)
    return folder / f"{_short(store)}.control{f'.{process}' if process else ''}"


def control_paths(store: Path) -> list[Path]:
    """Of all the processes that have, or had, the store here; at least the one that a single engine would have."""
    first = control_path(store)
    return [first, *sorted(first.parent.glob(f"{glob.escape(first.name)}.*"))]


def remove_dead(store: Path) -> None:
    """Sockets of processes that were killed: they have no process any more, and nobody listens there."""
    for path in control_paths(store)[1:]:
        if _without_process(path.suffix[1:]) and _refuses(path):
            with suppress(OSError):  # somebody else was quicker, or they are not ours to remove
                path.unlink()


def _without_process(number: str) -> bool:
    if not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _refuses(path: Path) -> bool:
    """In another container the number may be somebody's who lives: whoever does answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
        except OSError:
            return False
    return False


def _short(store: Path) -> str:
    return hashlib.sha256(os.fsencode(Path(f"{store}.control").absolute())).hexdigest()[:24]


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = os.lstat(folder)  # a symbolic link would be somebody else's choice of place
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
            raise SettingInvalid(
                f"{folder} is not a folder that only this user can enter, so no control socket is put there.",
                next_step="Remove it, or choose a shorter stores.path.",
            ) from None
