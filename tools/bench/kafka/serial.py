"""`python -m tools.bench.kafka.serial SERVERS GROUP INPUT OUTPUT`: one request after the other.

A plain model is validated, the wait of its payload is awaited, the response is sent; a poll's responses are
awaited together and committed. Nothing but the handler's time is waited for twice.
"""

import asyncio
import sys
from time import monotonic

from tools.bench.kafka.library import member, safe_producer
from tools.bench.loops import ModelPlainEnvelope, plain_to_json, respond_plainly, validate_plain

_COMMIT_EVERY_S = 0.2


async def serve(servers: str, group: str, source: str, target: str) -> None:
    """Consumes, waits, sends, commits, until it is killed."""
    producer, consumer = safe_producer(servers), member(servers, group, source)
    await producer.start()
    await consumer.start()
    committed = monotonic()
    while True:
        sent = []
        for records in (await consumer.getmany(timeout_ms=200, max_records=500)).values():
            for record in records:
                request = validate_plain(record.value)
                await _wait(request)
                sent.append(await producer.send(target, plain_to_json(respond_plainly(request)), key=record.key))
        if sent:
            await asyncio.gather(*sent)
        if monotonic() - committed > _COMMIT_EVERY_S:
            await consumer.commit()
            committed = monotonic()


async def _wait(request: ModelPlainEnvelope) -> None:
    url = (request.payload or {}).get("url")
    if isinstance(url, str):
        await asyncio.sleep(int(url[1:]) / 1e6)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:5]))
