"""KafkaEventBus: at-least-once over a Kafka cluster.

It owns offsets, epochs, commits, acknowledgements and the library's clients; keys, windows and outcomes are the
subscriber's. An offset is committed when it and all before it of its partition and assignment have an outcome.
"""

import asyncio
import time
from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from aiokafka.errors import KafkaError
from omnibase_core.codec import encode
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHealth, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError, ProtocolConfigurationError
from omnibase_core.frontier import ModelFrontier
from omnibase_spi.event_bus import Acknowledged, Delivery, Message, ProtocolDeliverySink, Source

from omnibase_infra.event_bus.headers import envelope_headers
from omnibase_infra.event_bus.kafka.breaker import BusBreaker
from omnibase_infra.event_bus.kafka.clients import client_of, connect_with, make_consumer, make_producer
from omnibase_infra.event_bus.kafka.cloudevents import as_cloud_event
from omnibase_infra.event_bus.kafka.cluster import connected, is_reachable
from omnibase_infra.event_bus.kafka.connection import SecurityArguments, security_arguments
from omnibase_infra.event_bus.kafka.consumption import Consumption
from omnibase_infra.event_bus.kafka.faults import in_words
from omnibase_infra.event_bus.kafka.health import health_of
from omnibase_infra.event_bus.kafka.preflight import Findings, preflight
from omnibase_infra.event_bus.kafka.producer import Publisher
from omnibase_infra.event_bus.kafka.producers import Producers
from omnibase_infra.telemetry.bounded import bound_logger
from omnibase_infra.telemetry.meter import BusMeter

_SHUTDOWN_BUDGET_S: Final = 1.0
_PUBLISH_END_S: Final = 0.5
_LARGEST_BATCH: Final = 100
_REVOKE_MARGIN_MS: Final = 10_000


class _State(Enum):
    CREATED = auto()
    OPEN = auto()
    CLOSED = auto()


class KafkaEventBus:
    """A ProtocolEventBus over Kafka, for the topics of one contract. meter: has its figures."""

    def __init__(self, meter: BusMeter | None = None) -> None:
        self._meter = meter or BusMeter()
        self._state = _State.CREATED
        self._sinks: dict[str, ProtocolDeliverySink] = {}
        self._producers: Producers | None = None
        self._publisher: Publisher | None = None
        self._breaker: BusBreaker | None = None
        self._consumption: Consumption | None = None
        self._is_consuming = False
        self._ended: asyncio.Future[None] | None = None
        self._security = SecurityArguments()  # one object for all that connects, so that all see what is new

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Connects, and checks topics, permissions and sizes; see `preflight` for what it refuses."""
        options = config.options
        if self._state is not _State.CREATED:
            raise ProtocolConfigurationError("The Kafka bus is initialized once; make a new one")
        if not isinstance(options, ModelKafkaOptions):
            raise ProtocolConfigurationError("The Kafka bus needs the options of kind kafka")
        self._state = _State.OPEN
        bound_logger("aiokafka")
        security = self._security
        security.update(security_arguments(options))
        findings = await preflight(config, options, security)
        self._breaker = BusBreaker(config.circuit_breaker_threshold, time.monotonic, self._wake, self._meter)
        self._consumption = Consumption(
            lambda: make_consumer(options, security, findings.fetch_bytes),
            self._sinks,
            self._breaker,
            is_reachable=lambda: is_reachable(options, security, list(self._sinks)),
            batch=_batch(config),
            revoke_budget_s=revoke_budget_s(options),
            meter=self._meter,
        )
        self._producers = await _started(options, security, findings, self._meter)
        self._publisher = Publisher(
            self._producers,
            findings.limits,
            max_value=config.max_envelope_bytes,
            timeout_s=options.publish_timeout_ms / 1000,
            told=self._breaker.note,
            decorate=as_cloud_event(options.consumer_group) if options.cloudevents else None,
        )

    async def shutdown(self) -> None:
        """Revokes and commits what is still ours, waits for what is on its way, and ends every client."""
        if self._ended is not None:
            await asyncio.shield(self._ended)
            return
        self._ended = asyncio.get_running_loop().create_future()
        self.stop_consuming()
        try:
            if self._consumption is not None:
                await self._consumption.withdraw(_SHUTDOWN_BUDGET_S)
            self._state = _State.CLOSED
            await asyncio.gather(self._end_consuming(), self._end_publishing())
        finally:
            self._state = _State.CLOSED
            self._ended.set_result(None)

    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        """Publishes one envelope and returns when every replica in sync has it."""
        published = asyncio.get_running_loop().create_future()

        def told(_: Message, error: EventBusError | None) -> None:
            if published.cancelled():
                return
            if error is None:
                published.set_result(None)
            else:
                published.set_exception(error)

        self.publish_batch([Message(topic, encode(envelope), key, envelope_headers(envelope))], told)
        await published

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Queues the messages for their output partitions."""
        if self._publisher is not None:
            self._publisher.publish(messages, acknowledged)
            return
        error = EventBusError("The Kafka bus is not running; initialize it first")
        for message in messages:
            asyncio.get_running_loop().call_soon(acknowledged, message, error)

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """The handler gets the records of our share of the topic's partitions."""
        if topic in self._sinks or self._is_consuming:
            raise ProtocolConfigurationError(f"Topic '{topic}' is subscribed once, before consuming starts")
        self._sinks[topic] = handler

    async def start_consuming(self) -> None:
        """Consumes until `stop_consuming`; a membership that fails is replaced, with growing delays.

        Raises EventBusError where no further attempt can help.
        """
        if self._consumption is None:
            raise ProtocolConfigurationError("The Kafka bus is not initialized; initialize it first")
        self._is_consuming = True
        await self._consumption.run()

    def stop_consuming(self) -> None:
        """No delivery from now on."""
        if self._consumption is not None:
            self._consumption.stop()

    def pause(self, sources: frozenset[Source]) -> None:
        """Leaves the streams out of the poll."""
        self._set_paused(sources, paused=True)

    def resume(self, sources: frozenset[Source]) -> None:
        """Polls the streams again, at once."""
        self._set_paused(sources, paused=False)
        self._wake()

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Records an outcome; the offset is committed soon."""
        return self._consumption is not None and self._consumption.settle(delivery, settlement)

    async def flush(self) -> None:
        """Commits what is settled, within five seconds."""
        if self._consumption is not None and self._consumption.member is not None:
            await self._consumption.member.commit()

    async def renew(self, config: ModelEventBusBinding) -> None:
        """Tries the secrets with a connection of its own; then every client makes its further ones with them."""
        options = config.options
        assert isinstance(options, ModelKafkaOptions)
        security = security_arguments(options)
        async with connected(options, security):
            self._security.update(security)
        if self._producers is not None:
            self._producers.connect_with(security)
        if self._consumption is not None and self._consumption.member is not None:
            connect_with(client_of(self._consumption.member.consumer), security)

    def frontier(self) -> Sequence[ModelFrontier]:
        """The progress of each stream that is ours and whose position is known."""
        consumption = self._consumption
        if consumption is None or consumption.member is None:
            return []
        return consumption.progress.frontiers(consumption.member.pause, consumption.member.end_of)

    async def health_check(self) -> ModelHealth:
        """Unhealthy where nothing is consumed, degraded where consumption stands still for a while."""
        consumption, breaker, publisher = self._consumption, self._breaker, self._publisher
        if self._state is not _State.OPEN or consumption is None or breaker is None or publisher is None:
            return ModelHealth(status=EnumHealth.UNHEALTHY, message="not running")
        return health_of(consumption, breaker, publisher, self.frontier())

    async def _end_consuming(self) -> None:
        if self._consumption is not None:
            await self._consumption.end()

    async def _end_publishing(self) -> None:
        if self._publisher is not None:
            await self._publisher.close(_PUBLISH_END_S)
        if self._producers is not None:
            await self._producers.close()

    def _set_paused(self, sources: frozenset[Source], *, paused: bool) -> None:
        if self._consumption is not None:
            for source in sources:
                self._consumption.progress.set_paused(source, paused=paused)

    def _wake(self) -> None:
        if self._consumption is not None:
            self._consumption.wake()


async def _started(
    options: ModelKafkaOptions, security: SecurityArguments, findings: Findings, meter: BusMeter
) -> Producers:
    smallest = min(findings.limits.values())
    producers = Producers(
        lambda: make_producer(options, security, smallest),
        findings.partitions,
        attempt_s=options.connect_timeout_ms / 1000,
        meter=meter,
    )
    try:
        await producers.start()
    except (KafkaError, TimeoutError, OSError) as error:
        raise EventBusError(f"No producer can be had at {options.bootstrap_servers}: {in_words(error)}") from None
    return producers


def _batch(config: ModelEventBusBinding) -> int:
    """Records of one poll: as many as a partition that resumes has room for, so that its window holds."""
    room = config.max_inflight_envelopes * (100 - config.pause_consumption_threshold) // 100
    return max(1, min(room, _LARGEST_BATCH))


def revoke_budget_s(options: ModelKafkaOptions) -> float:
    """What is left of the rebalance timeout, in seconds, when the commit and the join have theirs."""
    timeout_ms = options.rebalance_timeout_ms
    return max(timeout_ms - _REVOKE_MARGIN_MS, timeout_ms // 2) / 1000
