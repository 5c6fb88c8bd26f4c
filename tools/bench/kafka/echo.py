"""`python -m tools.bench.kafka.echo SERVERS GROUP INPUT OUTPUT keyed|values COMMIT_S`: the loop written by hand.

At least once, bytes in, the same bytes out: everything that a poll gave is sent and awaited, then committed if
COMMIT_S have passed since the last time. With `values` the keys stay behind. It imports what it needs and no more.
"""

import asyncio
import sys
from time import monotonic

from tools.bench.kafka.library import member, safe_producer


async def echo(servers: str, group: str, source: str, target: str, what: str, commit_s: str) -> None:
    """Consumes, sends, commits, until it is killed."""
    keyed, every = what == "keyed", float(commit_s)
    producer, consumer = safe_producer(servers), member(servers, group, source)
    await producer.start()
    await consumer.start()
    committed, uncommitted = monotonic(), False
    while True:
        taken = await consumer.getmany(timeout_ms=200, max_records=500)
        sent = [
            await producer.send(target, record.value, key=record.key if keyed else None)
            for records in taken.values()
            for record in records
        ]
        if sent:
            await asyncio.gather(*sent)
            uncommitted = True
        if uncommitted and monotonic() - committed >= every:
            await consumer.commit()
            committed, uncommitted = monotonic(), False


if __name__ == "__main__":
    asyncio.run(echo(*sys.argv[1:7]))
