"""A real MariaDB server for tests: made, started, killed and dropped by the test run itself.

The binaries are the system's: no package registry of Python has them (Debian: mariadb-server-core). The server refuses
to run as root: then it runs as `mysql`, or `nobody`. It listens on a Unix socket only.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from interlock.model.problems import SettingInvalid
from interlock.testing.end_with_run import start_server
from interlock.testing.postgres_server import memory_folder

START_SECONDS = 30.0
SHARE = Path("/usr/share/mysql")
FIRST_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
SOCKET_NAME = "s"  # a socket's path has at most 107 characters
OPTIONS = (
    "--no-defaults",
    "--skip-networking",
    "--skip-name-resolve",
    "--innodb-buffer-pool-size=32M",
    "--innodb-log-file-size=16M",
    "--performance-schema=OFF",
    "--skip-log-bin",
)


def binary() -> Path | None:
    """The server, when its first tables are there too."""
    found = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    return Path(found) if found and all((SHARE / name).exists() for name in FIRST_TABLES) else None


def server_user() -> pwd.struct_passwd | None:
    """Whom the server runs as; None for ourselves, who are not root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("mysql")
    except KeyError:
        return pwd.getpwnam("nobody")


class MariadbServer:
    """One server in a folder of its own. `stop` ends it and removes the folder."""

    def __init__(self) -> None:
        """SettingInvalid on a machine without MariaDB."""
        found = binary()
        if found is None:
            raise SettingInvalid(
                "There is no MariaDB on this machine.",
                next_step="Install it, on Debian as root with: make servers",
            )
        self._server = found
        self._user = server_user()
        self._process: subprocess.Popen[bytes] | None = None
        self.folder = Path(tempfile.mkdtemp(prefix="interlock-my-", dir=memory_folder()))
        if self._user is not None:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self._create()

    @property
    def socket(self) -> Path:
        return self.folder / SOCKET_NAME

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def dsn(self, database: str = "test", user: str = "root") -> str:
        return f"mysql://{user}@localhost/{database}?unix_socket={quote(str(self.socket))}"

    def start(self) -> None:
        """Return when it takes connections; RuntimeError with its log when it does not."""
        command = [*self._command(), f"--socket={self.socket}", f"--pid-file={self.folder / 'pid'}"]
        with (self.folder / "log").open("ab") as log:
            self._process = self._spawn(command, log)
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start: {self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def restart(self) -> None:
        """An orderly restart: sessions are ended, the rest is written."""
        self._end()
        self.start()

    def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: half dead, its connections open."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def new_database(self) -> str:
        """The connection string of a fresh database on the server."""
        import pymysql

        name = f"t{secrets.token_hex(6)}"
        connection = pymysql.connect(unix_socket=str(self.socket), user="root")
        with connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self.dsn(name)

    def _end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def _create(self) -> None:
        """As mariadb-install-db does it; that one needs a program of another package."""
        data = self.folder / "data"
        data.mkdir()
        if self._user is not None:
            os.chown(data, self._user.pw_uid, self._user.pw_gid)
        tables = "".join((SHARE / name).read_text() for name in FIRST_TABLES)
        first = f"CREATE DATABASE mysql;\nUSE mysql;\nSET @skip_auth_anonymous=1, @auth_root_socket=NULL;\n{tables}"
        with tempfile.TemporaryFile() as script, (self.folder / "log").open("ab") as log:
            script.write(first.encode())
            script.seek(0)
            process = self._spawn([*self._command(), "--bootstrap"], log, script)
            if process.wait():
                raise RuntimeError(f"MariaDB could not make its tables: {self.log()}")

    def _command(self) -> list[str]:
        return [str(self._server), *OPTIONS, f"--datadir={self.folder / 'data'}"]

    def _spawn(
        self, command: list[str], output: object, source: object = subprocess.DEVNULL
    ) -> subprocess.Popen[bytes]:
        groups: dict[str, Any] = {}
        if self._user is not None:
            groups = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return start_server(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=source,
            cwd=self.folder,
            env={"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin", "LC_ALL": "C", "HOME": str(self.folder)},
            start_new_session=True,  # a Ctrl-C of the test run is not for the server
            **groups,
        )

    def _ready(self) -> bool:
        import pymysql

        try:
            pymysql.connect(unix_socket=str(self.socket), user="root", connect_timeout=2).close()
        except pymysql.OperationalError:
            return False
        return True


@contextmanager
def running_server() -> Iterator[MariadbServer]:
    """A server for the time of the block."""
    server = MariadbServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()
