import ssl
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.abc import AbstractTokenProvider
from aiokafka.admin.config_resource import ConfigResource
from aiokafka.client import AIOKafkaClient

class NewTopic:
    def __init__(
        self,
        name: str,
        num_partitions: int,
        replication_factor: int,
        replica_assignments: Mapping[int, Sequence[int]] | None = ...,
        topic_configs: Mapping[str, str] | None = ...,
    ) -> None: ...

class RecordsToDelete:
    def __init__(self, before_offset: int) -> None: ...

class AIOKafkaAdminClient:
    _client: AIOKafkaClient
    def __init__(
        self,
        *,
        bootstrap_servers: str = ...,
        client_id: str = ...,
        request_timeout_ms: int = ...,
        security_protocol: str = ...,
        ssl_context: ssl.SSLContext = ...,
        sasl_mechanism: str = ...,
        sasl_plain_username: str = ...,
        sasl_plain_password: str = ...,
        sasl_oauth_token_provider: AbstractTokenProvider = ...,
    ) -> None: ...
    async def start(self) -> None: ...
    async def close(self) -> None: ...
    async def create_topics(self, new_topics: Sequence[NewTopic]) -> Any: ...  # an answer of the protocol
    async def delete_topics(self, topics: Sequence[str]) -> Any: ...  # an answer of the protocol
    async def list_topics(self) -> list[str]: ...
    async def describe_topics(self, topics: Sequence[str]) -> list[dict[str, Any]]: ...
    async def describe_configs(self, config_resources: Sequence[ConfigResource]) -> list[Any]: ...
    async def alter_configs(self, config_resources: Sequence[ConfigResource]) -> list[Any]: ...
    async def delete_records(
        self, records_to_delete: Mapping[TopicPartition, RecordsToDelete], timeout_ms: int | None = ...
    ) -> dict[TopicPartition, int]: ...
    async def list_consumer_group_offsets(
        self, group_id: str, *, partitions: Sequence[TopicPartition] | None = ...
    ) -> dict[TopicPartition, OffsetAndMetadata]: ...
    async def describe_consumer_groups(self, group_ids: Sequence[str]) -> list[Any]: ...
