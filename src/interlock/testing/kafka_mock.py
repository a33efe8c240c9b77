"""librdkafka's mock cluster in a process of its own: `python -m interlock.testing.kafka_mock BROKERS`.

Run by `kafka_server.MockKafka`. The Python client has no door to the mock's controls, the C library has
(rdkafka_mock.h): so it is called here past the client. Prints the brokers' addresses, then obeys one command a line on
standard input and answers each with one line; ends with its input.
"""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

PRODUCER = 0  # rd_kafka_type_t
TEXT = 512


def library() -> ctypes.CDLL:
    """The very library that the client was built with; one load by its path gives the one that is loaded."""
    found = importlib.util.find_spec("confluent_kafka")
    assert found is not None
    assert found.origin is not None
    beside = Path(found.origin).parent.with_name("confluent_kafka.libs")
    import confluent_kafka  # noqa: F401 - brings what the library itself needs

    one = ctypes.CDLL(str(next(beside.glob("librdkafka*.so*"))))
    one.rd_kafka_conf_new.restype = ctypes.c_void_p
    one.rd_kafka_new.restype = ctypes.c_void_p
    one.rd_kafka_new.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    one.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    one.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
    one.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    one.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
    one.rd_kafka_mock_topic_create.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]
    one.rd_kafka_mock_push_request_errors_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int16,
        ctypes.c_size_t,
        ctypes.POINTER(ctypes.c_int),
    ]
    one.rd_kafka_mock_clear_request_errors.argtypes = [ctypes.c_void_p, ctypes.c_int16]
    one.rd_kafka_mock_partition_delete_records.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int32,
        ctypes.c_int64,
    ]
    return one


class Cluster:
    """The commands. Each returns the library's error code, 0 for none."""

    def __init__(self, brokers: int) -> None:
        self._library = library()
        told = ctypes.create_string_buffer(TEXT)
        handle = self._library.rd_kafka_new(PRODUCER, self._library.rd_kafka_conf_new(), told, TEXT)
        if not handle:
            raise RuntimeError(told.value.decode())
        self._cluster = self._library.rd_kafka_mock_cluster_new(handle, brokers)

    @property
    def addresses(self) -> str:
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def topic(self, name: str, partitions: str, replicas: str) -> int:
        code: int = self._library.rd_kafka_mock_topic_create(
            self._cluster, name.encode(), int(partitions), int(replicas)
        )
        return code

    def errors(self, api: str, code: str, count: str) -> int:
        """The next `count` requests of that API are answered with the error."""
        codes = (ctypes.c_int * int(count))(*[int(code)] * int(count))
        self._library.rd_kafka_mock_push_request_errors_array(self._cluster, int(api), int(count), codes)
        return 0

    def calm(self, api: str) -> int:
        """Forget the errors that were not given yet."""
        self._library.rd_kafka_mock_clear_request_errors(self._cluster, int(api))
        return 0

    def expire(self, name: str, partition: str, before: str) -> int:
        """Drop what is before that offset, as retention does."""
        code: int = self._library.rd_kafka_mock_partition_delete_records(
            self._cluster, name.encode(), int(partition), int(before)
        )
        return code


def main() -> None:
    cluster = Cluster(int(sys.argv[1]))
    commands: dict[str, Callable[..., int]] = {
        "topic": cluster.topic,
        "errors": cluster.errors,
        "calm": cluster.calm,
        "expire": cluster.expire,
    }
    print(cluster.addresses, flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        print(commands[name](*words), flush=True)


if __name__ == "__main__":
    main()
