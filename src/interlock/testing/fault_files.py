"""A SQLite file system (VFS) that loses power, runs full, fails and drags its feet when told to.

SIGKILL cannot show a missing fsync: the kernel still holds the writes. Here each write is recorded until its file is
synced. A power cut keeps what was synced, and of the rest a random, seeded part, torn at sector boundaries.
"""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

import apsw

SECTOR_BYTES = 512  # the smallest unit that a disk writes at once
JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL | apsw.SQLITE_OPEN_WAL


class Write(NamedTuple):
    offset: int
    data: bytes


class Truncate(NamedTuple):
    size: int


class Delete(NamedTuple):
    pass


Change = Write | Truncate | Delete


class FileImage:
    """What of one file is on the disk for sure, and which changes wait for a sync. `synced` is None when absent."""

    def __init__(self, synced: bytes | None) -> None:
        self.synced = None if synced is None else bytearray(synced)
        self.pending: list[Change] = []

    def sync(self) -> None:
        for change in self.pending:
            self.synced = applied(self.synced, change)
        self.pending.clear()

    def sync_entry(self) -> None:
        """The directory was synced: a deletion is final, whatever was written before it."""
        while any(isinstance(change, Delete) for change in self.pending):
            self.synced = applied(self.synced, self.pending.pop(0))

    def after_power_cut(self, chance: random.Random) -> bytes | None:
        """One of the contents that the disk may hold now."""
        image = None if self.synced is None else bytearray(self.synced)
        for change in survivors(self.pending, chance):
            image = applied(image, change)
        return None if image is None else bytes(image)


def applied(image: bytearray | None, change: Change) -> bytearray | None:
    if isinstance(change, Delete):
        return None
    image = bytearray() if image is None else image
    if isinstance(change, Truncate):
        del image[change.size :]
        return image
    if len(image) < change.offset:
        image.extend(bytes(change.offset - len(image)))  # a hole reads as zeros
    image[change.offset : change.offset + len(change.data)] = change.data
    return image


def survivors(pending: list[Change], chance: random.Random) -> list[Change]:
    """Nothing, everything, a prefix with a torn end, or sectors picked at random from all over."""
    style = chance.choice(("nothing", "everything", "prefix", "scattered"))
    if style == "nothing":
        return []
    if style == "everything":
        return list(pending)
    if style == "prefix":
        cut = chance.randint(0, len(pending))
        return pending[:cut] + [part for change in pending[cut : cut + 1] for part in torn(change, chance, 0.5)]
    share = chance.random()
    return [part for change in pending for part in torn(change, chance, share)]


def torn(change: Change, chance: random.Random, share: float) -> list[Change]:
    """The parts of a change that reached the disk: each sector by itself."""
    if not isinstance(change, Write):
        return [change] if chance.random() < share else []
    parts = []
    start = change.offset
    end = start + len(change.data)
    while start < end:
        stop = min(end, (start // SECTOR_BYTES + 1) * SECTOR_BYTES)
        if chance.random() < share:
            parts.append(Write(start, change.data[start - change.offset : stop - change.offset]))
        start = stop
    return list(parts)


class FaultFiles(apsw.VFS):
    """Open a connection with `vfs=files.name`. Safe for several threads and several connections on one file.

    Faults: `cut_power`, or `cut_power_at` an operation yet to come; `room_bytes` for a disk that runs full;
    `failing` for I/O errors ("write", "sync", "truncate", "read"); `sync_seconds` for slow disks.
    """

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name = name
        self.operations = 0  # writes, truncations, syncs and deletions so far
        self.syncs = 0
        self.cut_power_at: int | None = None
        self.room_bytes: int | None = None
        self.failing: set[str] = set()
        self.sync_seconds = 0.0
        self._chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._lock = threading.RLock()
        self._images: dict[str, FileImage] = {}
        self._disk: dict[str, bytes | None] | None = None
        super().__init__(name, "")

    @property
    def dark(self) -> bool:
        """Whether the power is cut."""
        return self._disk is not None

    def cut_power(self) -> None:
        """From now on every operation fails; `materialise` shows what is on the disk."""
        with self._lock:
            if self._disk is None:
                self._disk = {path: image.after_power_cut(self._chance) for path, image in self._images.items()}

    def materialise(self, folder: Path) -> None:
        """Write the files as the power cut left them into an empty folder, by their own names."""
        assert self._disk is not None, "cut the power first"
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in self._disk.items():
            if content is not None:
                (folder / Path(path).name).write_bytes(content)

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.checked("open")
        if path is not None and path not in self._images:
            file = Path(path)
            self._images[path] = FileImage(file.read_bytes() if file.exists() else None)
        return FaultFile(self, name, path, flags)

    def xDelete(self, path: str, syncdir: bool) -> None:
        with self._lock:
            self.counted("delete")
            super().xDelete(path, syncdir)
            image = self._images.setdefault(path, FileImage(None))
            image.pending.append(Delete())
            if syncdir:
                image.sync()

    def changed(self, path: str | None, change: Change) -> None:
        if path is not None:
            self._images[path].pending.append(change)

    def synced(self, path: str | None, *, with_directory: bool) -> None:
        self.syncs += 1
        for image in self._images.values() if with_directory else ():
            image.sync_entry()
        if path is not None:
            self._images[path].sync()

    def counted(self, kind: str, size: int = 0) -> None:
        """One more operation that changes the disk, unless a fault strikes first."""
        if self.cut_power_at is not None and self.operations >= self.cut_power_at:
            self.cut_power()
        self.checked(kind)
        if size and self.room_bytes is not None:
            if size > self.room_bytes:
                raise apsw.FullError("no room left")
            self.room_bytes -= size
        self.operations += 1

    def checked(self, kind: str) -> None:
        if self.dark:
            raise apsw.IOError("the power is cut")
        if kind in self.failing:
            raise apsw.IOError(f"{kind} fails")

    def locked(self) -> threading.RLock:
        return self._lock

    def excepthook(self, etype: Any, evalue: Any, etraceback: Any) -> bool:
        """Planned faults need no traceback; SQLite tells its caller."""
        return True


class FaultFile(apsw.VFSFile):
    """One open file of FaultFiles. Shared memory and locks are the base file system's."""

    def __init__(self, files: FaultFiles, name: Any, path: str | None, flags: list[int]) -> None:
        self._files = files
        self._path = path
        # As SQLite's unix VFS does: the first sync of a new journal or WAL also syncs the directory.
        self._syncs_directory = bool(flags[0] & apsw.SQLITE_OPEN_CREATE and flags[0] & JOURNALS)
        super().__init__("", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._files.checked("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: Any, offset: int) -> None:
        with self._files.locked():
            self._files.counted("write", self._growth(len(data), offset))
            super().xWrite(data, offset)
            self._files.changed(self._path, Write(offset, bytes(data)))

    def xTruncate(self, newsize: int) -> None:
        with self._files.locked():
            self._files.counted("truncate")
            super().xTruncate(newsize)
            self._files.changed(self._path, Truncate(newsize))

    def xSync(self, flags: int) -> None:
        time.sleep(self._files.sync_seconds)
        with self._files.locked():
            self._files.counted("sync")  # the real disk is spared: `FileImage` is the disk here
            self._files.synced(self._path, with_directory=self._syncs_directory)
            self._syncs_directory = False

    def xFileControl(self, op: int, ptr: int) -> bool:
        return super().xFileControl(op, ptr)

    def excepthook(self, etype: Any, evalue: Any, etraceback: Any) -> bool:
        """See FaultFiles.excepthook."""
        return True

    def _growth(self, size: int, offset: int) -> int:
        if self._files.room_bytes is None:
            return 0
        return max(0, offset + size - super().xFileSize())
