"""The database server of a cluster: on a file system of its own that can be full, and on a disk that can be slow."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from interlock.testing.postgres_server import PostgresServer
from interlock.testing.server_process import START_SECONDS

from .network import HUB

ACCESS = "host all all 10.77.0.0/16 trust\n"
SOURCE = Path(__file__).parents[3] / "bench" / "slow_sync.c"
SHIM = "slow_sync.so"
DISK = "384m"
BLOCK = b"\0" * (1 << 20)
SETTINGS = {"max_wal_size": "64MB", "min_wal_size": "32MB"}  # so that a small disk is enough until it is filled


def compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc")


class ClusterServer(PostgresServer):
    """`folder` is a file system in memory, mounted in the campaign's own namespace: it goes with its processes."""

    def __init__(self) -> None:
        self._disk = Path(tempfile.mkdtemp(prefix="interlock-disk-"))
        mount("-t", "tmpfs", "-o", f"size={DISK},mode=755", "interlock", str(self._disk))
        super().__init__(listen_addresses=f"127.0.0.1,{HUB}", **SETTINGS)
        with (self.data / "pg_hba.conf").open("a") as access:
            access.write(ACCESS)

    def place(self) -> str | None:
        return str(self._disk)

    def stop(self) -> None:
        super().stop()
        subprocess.run(["umount", str(self._disk)], check=False)
        self._disk.rmdir()

    # All of these block.

    def fill(self) -> None:
        """Not a byte is left."""
        with (self.folder / "filled").open("wb", buffering=0) as file:
            try:
                while file.write(BLOCK) == len(BLOCK):
                    pass
                while file.write(b"\0"):
                    pass
            except OSError:
                return

    def clear(self) -> None:
        (self.folder / "filled").unlink(missing_ok=True)

    def come_back(self) -> None:
        """Until it takes connections; started again when it has given up."""
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if self._process is None or self._process.poll() is not None:
                self.start()
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not come back: {self.log()}")
            time.sleep(0.05)

    def slow_down(self, microseconds: int) -> None:
        """It is started again, and each of its syncs takes longer from then on; 0: as before.

        An orderly restart: after a crash it would sync each of its thousand files first.
        """
        shim = self.folder / SHIM
        if not shim.exists():
            found = compiler()
            assert found is not None
            subprocess.run([found, "-O2", "-shared", "-fPIC", "-o", str(shim), str(SOURCE), "-ldl"], check=True)
            shim.chmod(0o755)
        self.environment = {"LD_PRELOAD": str(shim), "SLOW_SYNC_US": str(microseconds)} if microseconds else {}
        self.restart()


def mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mount {' '.join(words)}: {done.stderr.strip()}")
