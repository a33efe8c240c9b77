"""A folder that lasts as long as the run that made it: what a killed run left behind, the next one clears away.

Each holds a file that its run keeps locked (flock(2)). The kernel frees the lock when the process ends, however it
ends: a lock that can be had belongs to nobody any more. Process ids would not say that, they are used again.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

MARK = "run"
PREFIX = "interlock-"
ROOM_BYTES = 2 << 30


def memory_folder() -> str | None:
    """Where files are in memory, if there is room: a test kills processes, never the machine, so nothing is lost."""
    place = Path("/dev/shm")  # noqa: S108 - the folders in it are ours alone
    if not place.is_dir():
        return None
    clear_abandoned(place)
    return str(place) if shutil.disk_usage(place).free > ROOM_BYTES else None


class RunFolder:
    """Made on creation. `path` is where; `remove` ends it."""

    def __init__(self, name: str, place: str | None) -> None:
        """`place` None: the system's folder for temporary files."""
        clear_abandoned(Path(place or tempfile.gettempdir()))
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=place))
        self._lock = _locked(self.path / MARK)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()


def clear_abandoned(place: Path) -> None:
    """Remove the folders in `place` whose runs are over. Never raises: others may clear the same ones."""
    for mark in place.glob(f"{PREFIX}*/{MARK}"):
        if _abandoned(mark):
            shutil.rmtree(mark.parent, ignore_errors=True)


def _locked(mark: Path) -> BinaryIO:
    """It gets its name when it is locked, so that nobody ever sees it unlocked."""
    made = mark.with_suffix(".new")
    file = made.open("wb")
    fcntl.flock(file, fcntl.LOCK_EX)
    made.rename(mark)
    return file


def _abandoned(mark: Path) -> bool:
    try:
        file = os.open(mark, os.O_RDONLY)
    except OSError:  # cleared meanwhile, or of another user
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(file)
    return True
