"""librdkafka's mock cluster, a process of its own: `python -m tools.services.kafka_mock` prints its address.

It does as it is told on standard input, a line each, and ends with it. It keeps 5 MB of each partition. A fetch
gets one batch of each partition, and where it finds nothing it waits its time out, whatever comes meanwhile.
"""

import ctypes
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

import confluent_kafka

_ROOT: Final = Path(__file__).resolve().parents[2]
_PRODUCER: Final = 0
APIS: Final = {"Produce": 0, "Fetch": 1, "OffsetCommit": 8, "JoinGroup": 11, "Heartbeat": 12, "SyncGroup": 14}
PARTITION_BYTES: Final = 5 * 1024 * 1024


class KafkaMock:
    """The process, from the start of the `with` to its end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.bootstrap_servers = self._heard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def create(self, topic: str, partitions: int) -> None:
        """Creates a topic; returns when it is there. Nobody can do so through the protocol."""
        self._tell(f"create {topic} {partitions}")

    def delete(self, topic: str) -> None:
        """Deletes a topic."""
        self._tell(f"delete {topic}")

    def fail(self, api: str, code: int, count: int, topic: str | None = None) -> None:
        """Has the next requests of an API answered with an error code of the protocol, from whomever they come.

        topic: only what they ask of its first partition. Returns when it is so.
        """
        self._tell(f"fail {APIS[api]} {code} {count} {topic or ''}")

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        if (said := self._heard()) != "0":
            raise RuntimeError(f"librdkafka's mock cluster answers {line!r} with error {said}")

    def _heard(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


class _Mock:
    """librdkafka's side; what it returns is 0 or an error code of librdkafka."""

    def __init__(self, library: ctypes.CDLL) -> None:
        said = ctypes.create_string_buffer(512)
        self._library = library
        self._cluster = library.rd_kafka_mock_cluster_new(
            library.rd_kafka_new(_PRODUCER, None, said, len(said)), 1
        )
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)

    @property
    def address(self) -> str:
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def create(self, topic: str, partitions: str) -> int:
        code: int = self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), int(partitions), 1)
        return code

    def delete(self, topic: str) -> int:
        code: int = self._library.rd_kafka_mock_topic_delete(self._cluster, topic.encode())
        return code

    def fail(self, api: str, code: str, count: str, topic: str | None = None) -> int:
        codes = [int(code)] * int(count)
        if topic is None:
            self._library.rd_kafka_mock_push_request_errors(self._cluster, int(api), len(codes), *codes)
            return 0
        answer: int = self._library.rd_kafka_mock_partition_push_request_errors(
            self._cluster, topic.encode(), 0, int(api), len(codes), *codes
        )
        return answer


def _serve() -> None:
    mock = _Mock(_library())
    commands: Mapping[str, Callable[..., int]] = {
        "create": mock.create,
        "delete": mock.delete,
        "fail": mock.fail,
    }
    print(mock.address, flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        print(commands[name](*arguments), flush=True)


def _library() -> ctypes.CDLL:
    folder = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    [file] = folder.glob("librdkafka-*")
    library = ctypes.CDLL(str(file))
    pointer, text, number, short, size = (
        ctypes.c_void_p,
        ctypes.c_char_p,
        ctypes.c_int,
        ctypes.c_int16,
        ctypes.c_size_t,
    )
    library.rd_kafka_new.restype = pointer
    library.rd_kafka_new.argtypes = [number, pointer, text, size]
    library.rd_kafka_mock_cluster_new.restype = pointer
    library.rd_kafka_mock_cluster_new.argtypes = [pointer, number]
    library.rd_kafka_mock_cluster_bootstraps.restype = text
    library.rd_kafka_mock_cluster_bootstraps.argtypes = [pointer]
    library.rd_kafka_mock_group_initial_rebalance_delay_ms.argtypes = [pointer, ctypes.c_int32]
    library.rd_kafka_mock_topic_create.argtypes = [pointer, text, number, number]
    library.rd_kafka_mock_topic_delete.argtypes = [pointer, text]
    library.rd_kafka_mock_push_request_errors.argtypes = [pointer, short, size]
    library.rd_kafka_mock_partition_push_request_errors.argtypes = [pointer, text, ctypes.c_int32, short, size]
    return library


if __name__ == "__main__":
    _serve()
