"""A server that tests start: a process and a folder of its own, made, paused, killed and ended by the run itself.

What one product asks for stands in its own file: postgres_server, mariadb_server, nats_server, kafka_server.
"""

from __future__ import annotations

import atexit
import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, ClassVar, Protocol, TypeVar

from interlock.testing.end_with_run import start_server
from interlock.testing.run_folder import RunFolder, memory_folder

HOST = "127.0.0.1"
START_SECONDS = 30.0
LOG_CHARACTERS = 4_000


class ServerProcess:
    """`start` returns when it answers, `stop` ends it and removes its folder. All of it blocks."""

    product: ClassVar[str]
    """As messages name it."""
    short: ClassVar[str]
    """For the name of its folder."""
    orderly = signal.SIGTERM
    """Asks for an end with everything written."""
    at_once = signal.SIGKILL
    """Ends it with all its processes; also what it gets when the run dies."""
    users: ClassVar[Sequence[str]] = ()
    """Of a server that refuses to run as root: whom it runs as then, the first that the machine knows."""
    environment: Mapping[str, str] = {}
    """Added to what it gets, by those who preload something into it."""

    def __init__(self) -> None:
        self._made = RunFolder(self.short, self.place())
        self.folder = self._made.path
        self._process: subprocess.Popen[bytes] | None = None
        self._user = user_of(self.users)
        self._own(self.folder)

    def place(self) -> str | None:
        """Where its folder is made; None for the system's folder for temporary files."""
        return memory_folder()

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def ready(self) -> bool:
        """Whether it answers."""
        raise NotImplementedError

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """Itself and its processes of now."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [self.pid, *(int(child) for child in (listed.read_text().split() if listed.exists() else ()))]

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """RuntimeError with its log when it does not get there."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start without waiting until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = self._spawn(self.command(), stdout=log)

    def wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.ready():
            if not self.running or time.monotonic() > deadline:
                raise RuntimeError(f"{self.product} did not start: {self.log()}")
            time.sleep(0.02)

    def stop(self) -> None:
        self._end(self.at_once)
        self._made.remove()

    def halt(self) -> None:
        """An orderly end: sessions are ended, the rest is written. `start` goes on with the same files."""
        self._end(self.orderly)

    def restart(self) -> None:
        self.halt()
        self.start()

    def kill(self) -> None:
        """SIGKILL to all its processes, as when the machine loses them; what was written is in the page cache still."""
        if self._process is not None and self.running:
            self._signal(signal.SIGKILL, self.pids)
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP to all of it: half dead, its connections open."""
        self._signal(signal.SIGSTOP, self.pids)

    def resume(self) -> None:
        self._signal(signal.SIGCONT, reversed(self.pids))

    def log(self) -> str:
        """The end of what it wrote."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-LOG_CHARACTERS:] if path.exists() else ""

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self.running:
            self.resume()  # it may be paused
            self._process.send_signal(how)
            try:
                self._process.wait(START_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._process = None

    def _signal(self, what: signal.Signals, pids: Iterable[int]) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):  # a child may have ended by itself
                os.kill(pid, what)

    def _surroundings(self) -> Mapping[str, str]:
        """Another user's server gets nothing of ours."""
        if not self.users:
            return os.environ
        return {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin", "LC_ALL": "C", "HOME": str(self.folder)}

    def _own(self, folder: Path) -> None:
        if self._user is not None:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def _spawn(
        self,
        command: Sequence[str],
        stdout: int | IO[bytes],
        stderr: int | IO[bytes] = subprocess.STDOUT,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
    ) -> subprocess.Popen[bytes]:
        user: dict[str, Any] = {}
        if self._user is not None:
            user = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []}
        return start_server(
            command,
            self.at_once.name.removeprefix("SIG"),
            stdout=stdout,
            stderr=stderr,
            stdin=stdin,
            cwd=self.folder,
            env={**self._surroundings(), **self.environment},
            start_new_session=True,  # a Ctrl-C of the test run is not for the server
            **user,
        )


def user_of(names: Sequence[str]) -> pwd.struct_passwd | None:
    """None for ourselves, who may run it. KeyError on a machine that knows none of them."""
    if not names or os.getuid() != 0:
        return None
    for name in names[:-1]:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    return pwd.getpwnam(names[-1])


def free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on now."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind((HOST, 0))
        return [one.getsockname()[1] for one in held]
    finally:
        for one in held:
            one.close()


def free_port() -> int:
    return free_ports(1)[0]


class Startable(Protocol):
    def start(self) -> None: ...

    def stop(self) -> None: ...


One = TypeVar("One", bound=Startable)


@contextmanager
def running(server: One) -> Iterator[One]:
    """The server for the time of the block."""
    try:
        server.start()
        yield server
    finally:
        server.stop()


def for_the_run(server: One) -> One:
    """The server for all that is left of the run."""
    atexit.register(server.stop)
    server.start()
    return server
