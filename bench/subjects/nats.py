"""A NATS server with JetStream on the disk, one node."""

from __future__ import annotations

import subprocess
from pathlib import Path

from bench import machine
from interlock.testing.nats_server import nats_binary
from interlock.testing.server_process import free_port

CONFIG = 'listen: "127.0.0.1:{port}"\njetstream {{ store_dir: "{folder}"{sync} }}\n'


class Nats:
    """By default JetStream acknowledges before fsync (`sync_interval` two minutes); with `sync_always` after it."""

    def __init__(self, place: Path, *, sync_always: bool, core: str = machine.SYSTEM_CORE) -> None:
        port = free_port()
        self.url = f"nats://127.0.0.1:{port}"
        sync = ", sync_interval: always" if sync_always else ""
        config = place / "nats.conf"
        config.write_text(CONFIG.format(port=port, folder=place / "jetstream", sync=sync))
        self._process = machine.spawn([str(nats_binary()), "-c", str(config)], core=core, log=place / "log")
        machine.wait_for_port(port)

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
