"""`python -m tools.bench.kafka.stream SERVERS GROUP INPUT OUTPUT batch|each`: the same with FastStream."""

import asyncio
import sys

from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker

from tools.bench.loops import ModelPlainEnvelope, respond_plainly

_BATCH_BYTES = 1_000_000  # publish_batch takes what one batch holds, and raises for more


def app(servers: str, group: str, source: str, target: str, how: str) -> FastStream:
    """An application that answers each request, in batches or one by one."""
    broker = KafkaBroker(servers, acks="all", enable_idempotence=True, max_batch_size=_BATCH_BYTES, logger=None)

    async def batch(requests: list[ModelPlainEnvelope]) -> None:
        await broker.publish_batch(*map(respond_plainly, requests), topic=target)

    async def each(request: ModelPlainEnvelope) -> None:
        await broker.publish(respond_plainly(request), topic=target)

    if how == "batch":
        broker.subscriber(
            source,
            group_id=group,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.ACK,
            batch=True,
            max_records=500,
        )(batch)
    else:
        broker.subscriber(source, group_id=group, auto_offset_reset="earliest", ack_policy=AckPolicy.ACK)(each)
    return FastStream(broker)


if __name__ == "__main__":
    asyncio.run(app(*sys.argv[1:6]).run())
