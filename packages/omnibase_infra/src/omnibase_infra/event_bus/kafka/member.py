"""One membership of the consumer group: from its join to its end.

Records are taken by `getmany`, awaited where they are delivered: no step of the loop lies between the two, in
which a revoke could slip in. It is never cancelled, since the library would count the member as busy for ever.
A partition is paused by leaving it out; what is buffered of it stays.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from omnibase_core.enums import EnumPauseCause
from omnibase_spi.event_bus import ProtocolDeliverySink, Source

from omnibase_infra.event_bus.kafka.ending import end_client
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.event_bus.kafka.progress import Pause, Progress, Stream
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.meter import BusMeter

_log = logging.getLogger("onex.bus")
_POLL_MS: Final = 200
_POLL_PAUSED_MS: Final = 2
_NOTHING: Final = TopicPartition("onex.nobody", 0)
_HOLES: Final = 10_000
_COMMIT_S: Final = 5.0
_WINDOW_FULL: Final = Pause(EnumPauseCause.WINDOW_FULL, "its window of records in flight is full")
_BEHIND_OLDEST: Final = Pause(EnumPauseCause.BEHIND_OLDEST, "too much is settled behind the oldest delivery")
_JOIN_S: Final = 0.3

Sinks = Mapping[str, ProtocolDeliverySink]


class Member(ConsumerRebalanceListener):
    """A member of the group. sinks: who takes the records of each topic.

    batch: records of one poll. revoke_budget_s: for what is in flight when partitions are taken away.
    suspended: why nothing is to be polled at all, None where everything may be. told: called after each commit,
    with None or with what went wrong. meter: counts and times commits.
    """

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        progress: Progress,
        sinks: Sinks,
        *,
        batch: int,
        revoke_budget_s: float,
        suspended: Callable[[], str | None],
        told: Callable[[str | None], None],
        meter: BusMeter,
    ) -> None:
        self.consumer = consumer
        self.progress = progress
        self._sinks = sinks
        self._batch = batch
        self._revoke_budget_s = revoke_budget_s
        self._suspended = suspended
        self._told = told
        self._meter = meter
        self._stopping = False
        self._joining: asyncio.Task[None] | None = None
        self.wake = asyncio.Event()

    async def join(self) -> None:
        """Returns when the group has given us our share, or when we are stopped. Raises KafkaError."""
        self.consumer.subscribe(list(self._sinks), listener=self)
        self._joining = asyncio.create_task(self.consumer.start(), name="onex-join")
        while not self._joining.done() and not self._stopping:
            waking = asyncio.ensure_future(self.wake.wait())
            await asyncio.wait([self._joining, waking], return_when=asyncio.FIRST_COMPLETED)
            waking.cancel()
            self.wake.clear()
        if self._joining.done():
            self._joining.result()

    async def poll(self) -> None:
        """Delivers until we are stopped. Raises KafkaError."""
        progress = self.progress
        while not self._stopping:
            assigned = self.consumer.assignment()
            polled = [partition for partition in assigned if self.pause(progress.of(partition)) is None]
            waits = _POLL_MS if len(polled) == len(assigned) else _POLL_PAUSED_MS if polled else 0
            self.wake.clear()
            taken = await self._taken(polled or [_NOTHING], waits)
            if taken and not self._stopping:
                now = asyncio.get_running_loop().time()
                for partition, records in taken.items():
                    stream = progress.of(partition) or self._open(partition)
                    stream.sink.deliver(stream.take(records, now))
                await asyncio.sleep(0)
            elif not polled:
                await self._woken(_POLL_MS / 1000)

    def pause(self, stream: Stream | None) -> Pause | None:
        """Why a stream is left out of the poll; None where it is not."""
        if stream is not None and stream.paused:
            return _WINDOW_FULL
        if stream is not None and stream.frontier is not None and stream.frontier.holes >= _HOLES:
            return _BEHIND_OLDEST
        reason = self._suspended()
        return None if reason is None else Pause(EnumPauseCause.BUS_SUSPENDED, reason)

    def end_of(self, stream: Stream) -> int | None:
        """The position after the stream's last record, as of the last answer to a fetch."""
        partition = TopicPartition(stream.source.topic, stream.source.partition)
        return self.consumer.highwater(partition) if partition in self.consumer.assignment() else None

    def stop(self) -> None:
        """No delivery from now on; membership and commits go on."""
        self._stopping = True
        self.wake.set()

    async def withdraw(self, budget_s: float, commit_s: float) -> None:
        """Revokes what is still ours and commits it, within bounds; the membership goes on."""
        self.stop()
        await self._revoke(self.progress.streams, budget_s, commit_s)

    async def end(self, end_s: float) -> None:
        """Ends the membership, within a bound."""
        joining = self._joining
        if joining is not None and not joining.done():
            await asyncio.wait([joining], timeout=_JOIN_S)  # cancelled at once, it could leave a connection open
            joining.cancel()
            await asyncio.wait([joining])
        await end_client(self.consumer, end_s)

    async def commit(self, within_s: float = _COMMIT_S) -> None:
        """Commits every frontier that has moved, explicitly; what cannot be committed now is tried again."""
        progress = self.progress
        offsets = progress.due()
        if not offsets:
            return
        streams = {partition: stream for partition in offsets if (stream := progress.of(partition)) is not None}
        begun = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(within_s):
                await self.consumer.commit(offsets)
        except (CommitFailedError, IllegalStateError) as error:
            self._meter.commit_failures += 1
            _log.warning("nothing committed: %s", in_words(error), extra={"event": events.BUS_COMMIT_FAILED})
        except (KafkaError, TimeoutError, OSError) as error:
            reason = in_words(error)
            self._meter.commit_failures += 1
            self._told(f"committing: {reason}")
            _log.warning(
                "the commit failed, and is tried again: %s", reason, extra={"event": events.BUS_COMMIT_FAILED}
            )
        else:
            self._meter.commits.observe(asyncio.get_running_loop().time() - begun)
            progress.committed(offsets, streams)
            self._told(None)

    async def locate(self) -> None:
        """Asks where the streams begin that have had no record yet, so that their frontier can be shown."""
        for stream in self.progress.streams:
            partition = TopicPartition(stream.source.topic, stream.source.partition)
            if stream.frontier is None and partition in self.consumer.assignment():
                try:
                    async with asyncio.timeout(_COMMIT_S):
                        position = await self.consumer.position(partition)
                except (KafkaError, TimeoutError):
                    return
                if self.progress.of(partition) is stream:
                    stream.begin(position)

    def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """The group has given us these; called by the library, without a wait."""
        _log.info(
            "partitions assigned: %s",
            _listed(assigned),
            extra={"event": events.BUS_ASSIGNED, "partitions": len(assigned)},
        )
        for partition in assigned:
            self._open(partition)
        self.wake.set()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """The group takes these away; the library waits for us, and goes on with heartbeats."""
        if revoked:
            _log.info(
                "partitions revoked: %s",
                _listed(revoked),
                extra={"event": events.BUS_REVOKED, "partitions": len(revoked)},
            )
        streams = [stream for partition in revoked if (stream := self.progress.of(partition)) is not None]
        await self._revoke(streams, self._revoke_budget_s, _COMMIT_S)
        self.progress.next_epoch()

    def _open(self, partition: TopicPartition) -> Stream:
        known = self.progress.of(partition)
        if known is not None:
            return known
        sink = self._sinks[partition.topic]
        stream = self.progress.open(partition, sink)
        sink.assigned(frozenset((stream.source,)))
        return stream

    async def _revoke(self, streams: Sequence[Stream], budget_s: float, commit_s: float) -> None:
        """The subscribers finish what they have started, what is settled is committed, the streams are closed."""
        if not streams:
            return
        try:
            for topic, sink in self._sinks.items():
                sources = frozenset(stream.source for stream in streams if stream.source.topic == topic)
                if sources:
                    await self._withdraw(sink, sources, budget_s)
            await self.commit(commit_s)
        finally:
            self.progress.close(streams)

    async def _withdraw(self, sink: ProtocolDeliverySink, sources: frozenset[Source], budget_s: float) -> None:
        try:
            await sink.revoked(sources, budget_s)
        except Exception:  # noqa: BLE001 - a subscriber that raises must not keep its partitions
            _log.exception("a subscriber failed at a revoke", extra={"event": events.BUS_SUBSCRIBER_FAILED})

    async def _taken(
        self, partitions: Sequence[TopicPartition], timeout_ms: int
    ) -> dict[TopicPartition, list[ConsumerRecord]]:
        """What the library has; whatever else it raises is a KafkaError too, since a new member may do better."""
        try:
            return await self.consumer.getmany(*partitions, timeout_ms=timeout_ms, max_records=self._batch)
        except (KafkaError, OSError, TimeoutError):
            raise
        except Exception as error:
            raise KafkaError("the library failed") from error

    async def _woken(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self.wake.wait()
        except TimeoutError:
            pass


def _listed(partitions: set[TopicPartition]) -> str:
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(partition)
    return "; ".join(f"{topic} {numbers}" for topic, numbers in by_topic.items()) or "none"
