"""A NATS server with JetStream on the disk, one node."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench import machine
from bench.far import Wire
from interlock.testing.nats_server import nats_binary
from interlock.testing.server_process import free_port

CONFIG = 'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}"{sync} }}\n'


class Nats:
    """By default JetStream acknowledges before fsync (`sync_interval` two minutes); with `sync_always` after it.

    `added_ms`: how much further away it is, there and back.
    """

    def __init__(self, place: Path, *, sync_always: bool, core: str = machine.SYSTEM_CORE, added_ms: int = 0) -> None:
        port = free_port()
        sync = ", sync_interval: always" if sync_always else ""
        config = place / "nats.conf"
        config.write_text(CONFIG.format(port=port, folder=place / "jetstream", sync=sync))
        self._process = machine.spawn([str(nats_binary()), "-c", str(config)], core=core, log=place / "log")
        machine.wait_for_port(port)
        self._wire = Wire(added_ms, str(port), place / "log") if added_ms else None
        self.url = f"nats://127.0.0.1:{port if self._wire is None else self._wire.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        if self._wire is not None:
            self._wire.stop()
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
