# What the bus, its tests and tools use of aiokafka 0.14, which has no types of its own.
import ssl
from asyncio import Future
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from aiokafka.abc import AbstractTokenProvider, ConsumerRebalanceListener
from aiokafka.client import AIOKafkaClient

__all__ = [
    "AIOKafkaConsumer",
    "AIOKafkaProducer",
    "ConsumerRebalanceListener",
    "ConsumerRecord",
    "OffsetAndMetadata",
    "OffsetAndTimestamp",
    "TopicPartition",
]

class TopicPartition(NamedTuple):
    topic: str
    partition: int

class OffsetAndTimestamp(NamedTuple):
    offset: int
    timestamp: int

class OffsetAndMetadata(NamedTuple):
    offset: int
    metadata: str

class ConsumerRecord:
    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]

class BatchBuilder:
    def append(
        self,
        *,
        timestamp: int | None,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]] = ...,
    ) -> object | None: ...
    def close(self) -> None: ...
    def size(self) -> int: ...
    def record_count(self) -> int: ...

class AIOKafkaConsumer:
    _client: AIOKafkaClient
    def __init__(
        self,
        *topics: str,
        bootstrap_servers: str = ...,
        client_id: str = ...,
        group_id: str | None = ...,
        group_instance_id: str | None = ...,
        enable_auto_commit: bool = ...,
        auto_offset_reset: str = ...,
        isolation_level: str = ...,
        check_crcs: bool = ...,
        partition_assignment_strategy: tuple[type, ...] = ...,
        session_timeout_ms: int = ...,
        heartbeat_interval_ms: int = ...,
        rebalance_timeout_ms: int = ...,
        request_timeout_ms: int = ...,
        max_poll_interval_ms: int = ...,
        max_partition_fetch_bytes: int = ...,
        fetch_max_bytes: int = ...,
        retry_backoff_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: ssl.SSLContext = ...,
        sasl_mechanism: str = ...,
        sasl_plain_username: str = ...,
        sasl_plain_password: str = ...,
        sasl_oauth_token_provider: AbstractTokenProvider = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    def subscribe(self, topics: Sequence[str], *, listener: ConsumerRebalanceListener) -> None: ...
    def assign(self, partitions: Sequence[TopicPartition]) -> None: ...
    def assignment(self) -> set[TopicPartition]: ...
    async def getmany(
        self, *partitions: TopicPartition, timeout_ms: int = ..., max_records: int | None = ...
    ) -> dict[TopicPartition, list[ConsumerRecord]]: ...
    async def commit(self, offsets: Mapping[TopicPartition, int | tuple[int, str]]) -> None: ...
    async def committed(self, partition: TopicPartition) -> int | None: ...
    async def position(self, partition: TopicPartition) -> int: ...
    def pause(self, *partitions: TopicPartition) -> None: ...
    def seek(self, partition: TopicPartition, offset: int) -> None: ...
    def last_poll_timestamp(self, partition: TopicPartition) -> int | None: ...
    def highwater(self, partition: TopicPartition) -> int | None: ...
    async def beginning_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]: ...
    async def end_offsets(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]: ...
    async def offsets_for_times(
        self, timestamps: dict[TopicPartition, int]
    ) -> dict[TopicPartition, OffsetAndTimestamp | None]: ...
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...

class AIOKafkaProducer:
    client: AIOKafkaClient
    def __init__(
        self,
        *,
        bootstrap_servers: str = ...,
        client_id: str = ...,
        acks: str | int = ...,
        enable_idempotence: bool = ...,
        compression_type: str | None = ...,
        max_batch_size: int = ...,
        max_request_size: int = ...,
        transactional_id: str | None = ...,
        request_timeout_ms: int = ...,
        linger_ms: int = ...,
        retry_backoff_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: ssl.SSLContext = ...,
        sasl_mechanism: str = ...,
        sasl_plain_username: str = ...,
        sasl_plain_password: str = ...,
        sasl_oauth_token_provider: AbstractTokenProvider = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def partitions_for(self, topic: str) -> set[int]: ...
    async def send(
        self,
        topic: str,
        value: bytes | None = ...,
        key: bytes | None = ...,
        partition: int | None = ...,
        timestamp_ms: int | None = ...,
        headers: list[tuple[str, bytes]] | None = ...,
    ) -> Future[object]: ...
    async def send_and_wait(
        self,
        topic: str,
        value: bytes | None = ...,
        key: bytes | None = ...,
        partition: int | None = ...,
        timestamp_ms: int | None = ...,
        headers: list[tuple[str, bytes]] | None = ...,
    ) -> object: ...
    async def flush(self) -> None: ...
    async def begin_transaction(self) -> None: ...
    async def commit_transaction(self) -> None: ...
    async def abort_transaction(self) -> None: ...
    def create_batch(self) -> BatchBuilder: ...
    async def send_batch(self, batch: BatchBuilder, topic: str, *, partition: int) -> Future[object]: ...
