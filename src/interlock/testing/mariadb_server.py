"""A real MariaDB server for tests: made, started, killed and dropped by the test run itself.

The binaries are the system's: no package registry of Python has them (Debian: mariadb-server-core). The server refuses
to run as root: then it runs as `mysql`, or `nobody`. It listens on a Unix socket only.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from interlock.model.problems import SettingInvalid
from interlock.testing.server_process import ServerProcess, running

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


class MariadbServer(ServerProcess):
    """One server in a folder of its own. `stop` ends it and removes the folder."""

    product = "MariaDB"
    short = "my"
    users = ("mysql", "nobody")

    def __init__(self) -> None:
        """SettingInvalid on a machine without MariaDB."""
        found = binary()
        if found is None:
            raise SettingInvalid(
                "There is no MariaDB on this machine.",
                next_step="Install it, on Debian as root with: make servers",
            )
        self._server = found
        super().__init__()
        self._create()

    @property
    def socket(self) -> Path:
        return self.folder / SOCKET_NAME

    def dsn(self, database: str = "test", user: str = "root") -> str:
        return f"mysql://{user}@localhost/{database}?unix_socket={quote(str(self.socket))}"

    def command(self) -> Sequence[str]:
        return [*self._words(), f"--socket={self.socket}", f"--pid-file={self.folder / 'pid'}"]

    def ready(self) -> bool:
        """Whether it takes connections."""
        import pymysql

        try:
            pymysql.connect(unix_socket=str(self.socket), user="root", connect_timeout=2).close()
        except pymysql.OperationalError:
            return False
        return True

    def new_database(self) -> str:
        """The connection string of a fresh database on the server."""
        import pymysql

        name = f"t{secrets.token_hex(6)}"
        connection = pymysql.connect(unix_socket=str(self.socket), user="root")
        with connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        return self.dsn(name)

    def _create(self) -> None:
        """As mariadb-install-db does it; that one needs a program of another package."""
        data = self.folder / "data"
        data.mkdir()
        self._own(data)
        tables = "".join((SHARE / name).read_text() for name in FIRST_TABLES)
        first = f"CREATE DATABASE mysql;\nUSE mysql;\nSET @skip_auth_anonymous=1, @auth_root_socket=NULL;\n{tables}"
        with tempfile.TemporaryFile() as script, (self.folder / "log").open("ab") as log:
            script.write(first.encode())
            script.seek(0)
            if self._spawn([*self._words(), "--bootstrap"], log, stdin=script).wait():
                raise RuntimeError(f"MariaDB could not make its tables: {self.log()}")

    def _words(self) -> list[str]:
        return [str(self._server), *OPTIONS, f"--datadir={self.folder / 'data'}"]


@contextmanager
def running_server() -> Iterator[MariadbServer]:
    """A server for the time of the block."""
    with running(MariadbServer()) as server:
        yield server
