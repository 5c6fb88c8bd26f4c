"""librdkafka's mock cluster, a process of its own: `python -m tests.chaos.mock_cluster TOPIC…` prints its address.

It does as it is told on standard input, a line each, and ends with it: `API CODE COUNT` has the next COUNT
requests of an API answered with an error code of Kafka's protocol; a COUNT of 0 takes back what is left.
"""

import ctypes
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Self

import confluent_kafka

_ROOT: Final = Path(__file__).resolve().parents[2]
_PRODUCER: Final = 0
APIS: Final = {"Produce": 0, "Fetch": 1, "OffsetCommit": 8, "JoinGroup": 11, "Heartbeat": 12, "SyncGroup": 14}


class MockCluster:
    """The process, as a test has it."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this Python
            [sys.executable, "-m", __name__, *topics],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.bootstrap_servers = self._process.stdout.readline().strip()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def fail(self, api: str, code: int, count: int = 1) -> None:
        """Has the next requests of this API fail, from whomever they come; returns when it is so."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{api} {code} {count}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"


def _serve(topics: Sequence[str]) -> None:
    library = _library()
    said = ctypes.create_string_buffer(512)
    client = library.rd_kafka_new(_PRODUCER, None, said, len(said))
    cluster = library.rd_kafka_mock_cluster_new(client, 1)
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0)
    for topic in topics:
        library.rd_kafka_mock_topic_create(cluster, topic.encode(), 1, 1)
    print(library.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
    for line in sys.stdin:
        api, code, count = line.split()
        codes = (ctypes.c_int * int(count))(*[int(code)] * int(count))
        if int(count) == 0:
            library.rd_kafka_mock_clear_request_errors(cluster, APIS[api])
        library.rd_kafka_mock_push_request_errors_array(cluster, APIS[api], len(codes), codes)
        print("done", flush=True)


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    [file] = folder.glob("librdkafka-*")
    library = ctypes.CDLL(str(file))
    library.rd_kafka_new.restype = ctypes.c_void_p
    library.rd_kafka_new.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]
    library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_new.argtypes = [ctypes.c_void_p, ctypes.c_int]
    library.rd_kafka_mock_topic_create.argtypes = [
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_int,
    ]
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [ctypes.c_void_p]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.argtypes = [ctypes.c_void_p, ctypes.c_int32]
    library.rd_kafka_mock_clear_request_errors.argtypes = [ctypes.c_void_p, ctypes.c_int16]
    library.rd_kafka_mock_push_request_errors_array.argtypes = [
        ctypes.c_void_p,
        ctypes.c_int16,
        ctypes.c_size_t,
        ctypes.c_void_p,
    ]
    return library


if __name__ == "__main__":
    _serve(sys.argv[1:])
