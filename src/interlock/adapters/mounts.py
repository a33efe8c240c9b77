"""On which kind of file system a path lies, and what that means for what is fsynced there."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

MOUNTS = Path("/proc/self/mountinfo")
IN_MEMORY = frozenset({"tmpfs", "ramfs", "devtmpfs"})
NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "gfs2", "ocfs2", "beegfs",
    "fuse.sshfs", "fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.ceph", "fuse.davfs", "fuse.goofys", "virtiofs",
})  # fmt: skip
LAYERED = frozenset({"overlay", "aufs", "fuse.fuse-overlayfs"})
LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs", "apfs"})
# Mount options by which a flush of the disk's own cache is left out.
UNSYNCED = frozenset({"nobarrier", "barrier=0"})


class Mount(NamedTuple):
    """`kind` as the kernel names it: ext4, tmpfs, nfs4."""

    place: str
    kind: str
    options: frozenset[str]


def mount_of(path: Path, table: str | None = None) -> Mount | None:
    """Where the path lies, or its nearest parent that exists; None on a system without /proc (proc(5), mountinfo)."""
    if table is None:
        if not MOUNTS.exists():
            return None
        table = MOUNTS.read_text(errors="replace")
    wanted = path.resolve()
    best: Mount | None = None
    for line in table.splitlines():
        before, _, after = line.partition(" - ")
        fields, kinds = before.split(), after.split()
        if len(fields) < 6 or len(kinds) < 3:
            continue
        place = fields[4].replace("\\040", " ")
        if wanted.is_relative_to(place) and (best is None or len(place) >= len(best.place)):  # a later one covers it
            best = Mount(place, kinds[0], frozenset((*fields[5].split(","), *kinds[2].split(","))))
    return best
