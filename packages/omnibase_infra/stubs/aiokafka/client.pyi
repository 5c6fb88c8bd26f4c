from typing import Any

from aiokafka.conn import AIOKafkaConnection

class ClusterMetadata:
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...

class AIOKafkaClient:
    cluster: ClusterMetadata
    async def close(self) -> None: ...
    async def _get_conn(self, *place: Any, **options: Any) -> AIOKafkaConnection | None: ...
