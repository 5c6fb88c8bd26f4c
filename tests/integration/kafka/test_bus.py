"""The Kafka bus on a real broker: the protocol's promises, and those that only Kafka shows."""

import json
import uuid

import pytest
from omnibase_core.codec import decode
from omnibase_core.contracts.observability import ModelTraces
from omnibase_core.errors import EventBusError
from omnibase_infra.event_bus.kafka.bus import KafkaEventBus
from omnibase_infra.host.traces import Place, Traces
from omnibase_infra.telemetry.tracing import context_headers, read_context
from omnibase_spi.conformance import BUS_CHECKS, PATIENCE_S, BusCheck
from omnibase_spi.event_bus import Message

from tests.fakes.runtimes import ImmediateRuntime, StepwiseRuntime, raw_request, request
from tests.fakes.waiting import until
from tests.integration.kafka.ground import (
    administering,
    asked_until,
    committed,
    fresh_binding,
    produce,
    records_of,
    requests,
    running,
)
from tools.services.kafka import Kafka


@pytest.mark.asyncio
@pytest.mark.parametrize("check", BUS_CHECKS, ids=lambda check: check.__name__)
async def test_the_kafka_bus_conforms(check: BusCheck, kafka: Kafka) -> None:
    PATIENCE_S.set(30.0)
    await check(KafkaEventBus, await fresh_binding(kafka.bootstrap_servers, size=8_192))


def echo() -> ImmediateRuntime:
    """Answers each request with its number."""
    return ImmediateRuntime(lambda envelope: {"number": envelope.envelope_id.int - 1})


@pytest.mark.asyncio
async def test_a_response_has_its_requests_key_the_ids_as_headers_and_the_trace(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    trace = [("traceparent", b"00-1-2-01"), ("tracestate", b"a=b"), ("secret", b"stays")]
    await produce(binding, [raw_request(7)], keys=[b"its key"], headers=trace)
    async with running(binding, echo()):
        (response,) = await records_of(binding, binding.topics.output, 1)
    envelope, asked = decode(response.value or b""), request(7)
    assert response.key == b"its key"
    assert dict(response.headers) == {
        "onex-envelope-id": str(envelope.envelope_id).encode(),
        "onex-correlation-id": str(asked.correlation_id).encode(),
        "onex-causation-id": str(asked.envelope_id).encode(),
        "onex-target-node": b"client",
        "content-type": b"application/json",
        "traceparent": b"00-1-2-01",
        "tracestate": b"a=b",
    }


@pytest.mark.asyncio
async def test_with_traces_the_span_knows_its_record_and_the_response_carries_its_context(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    topics, trace_id = binding.topics, "0af7651916cd43dd8448eb211c80319c"
    sender = [("traceparent", f"00-{trace_id}-b7ad6b7169203331-01".encode())]
    traces = Traces(
        ModelTraces(endpoint="http://127.0.0.1:1"), "orders", "1.0.0", "here", Place("kafka", topics.output, "g")
    )
    await produce(binding, [raw_request(7)], headers=sender)
    async with running(binding, echo(), traces) as host:
        (response,) = await records_of(binding, topics.output, 1)
        await host.has_settled(1)
    process, send = traces.tracer.take(2)
    assert process.name == f"process {topics.input}"
    assert process.attributes["messaging.consumer.group.name"] == "g"
    assert process.attributes["messaging.destination.partition.id"] == "0"
    assert process.attributes["messaging.kafka.offset"] == 0
    assert process.link == process.parent == read_context(sender[0][1].decode())
    assert dict(response.headers)["traceparent"] == dict(context_headers(send.context))["traceparent"].encode()
    assert send.context.trace_id == int(trace_id, 16)


@pytest.mark.asyncio
async def test_without_a_key_the_correlation_id_is_the_responses(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    await produce(binding, [raw_request(7)], keys=[None])
    async with running(binding, echo()):
        (response,) = await records_of(binding, binding.topics.output, 1)
    assert response.key == str(request(7).correlation_id).encode()


@pytest.mark.asyncio
async def test_cloud_events_are_an_option(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers, cloudevents=True)
    await produce(binding, [raw_request(7), b"garbage"])
    async with running(binding, echo()):
        (response,) = await records_of(binding, binding.topics.output, 1)
        (dead,) = await records_of(binding, binding.topics.dead_letter or "", 1)
    assert dict(response.headers)["ce_id"] == dict(response.headers)["onex-envelope-id"]
    assert not [name for name, _ in dead.headers if name.startswith("ce_")]


@pytest.mark.asyncio
@pytest.mark.parametrize("value", [bytes(range(256)), b"", None], ids=["every byte", "empty", "none at all"])
async def test_what_is_no_envelope_is_a_dead_letter_byte_for_byte(value: bytes | None, kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    everything = bytes(range(256))
    await produce(binding, [value], keys=[everything], headers=[("x", b"\xff"), ("x", b"")])
    async with running(binding, echo()) as host:
        (dead,) = await records_of(binding, binding.topics.dead_letter or "", 1)
        await host.has_settled(1)
    (came,) = await records_of(binding, binding.topics.input, 1)
    assert (dead.key, dead.value, dead.timestamp) == (everything, value, came.timestamp)
    assert list(dead.headers[:2]) == [("x", b"\xff"), ("x", b"")]
    told = dict(dead.headers)
    assert told["__dlq.errors.topic"] == binding.topics.input.encode()
    assert (told["__dlq.errors.offset"], told["onex-dlq-stage"]) == (b"0", b"decode")
    assert await committed(binding) == 1


@pytest.mark.asyncio
async def test_only_what_has_an_outcome_is_committed_and_the_rest_comes_again(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    runtime = StepwiseRuntime()
    await produce(binding, requests(4), keys=[b"a", b"b", b"c", b"d"])
    host_closed = None
    async with running(binding, runtime) as host:
        await until(lambda: len(runtime.started) == 4)
        for number in (0, 2, 3):
            runtime.finish(number)
        await host.has_settled(3)
        (frontier,) = host.bus.frontier()
        assert (frontier.next_position, frontier.holes, frontier.outstanding) == (1, 2, 1)
        assert frontier.oldest_age_s is not None
        await host.close(grace_s=0.1)
        host_closed = host
    assert host_closed.engine.progress.given_up == 1
    assert await committed(binding) == 1
    again = StepwiseRuntime()
    async with running(binding, again) as host:
        await until(lambda: sorted(again.started) == [1, 2, 3], 30)
        for number in (1, 2, 3):
            again.finish(number)
        await host.has_settled(3)
    assert await committed(binding) == 4


@pytest.mark.asyncio
async def test_commits_come_by_themselves_while_the_host_runs(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    await produce(binding, requests(20))
    async with running(binding, echo()) as host:
        await host.has_settled(20)
        await until(lambda: host.bus.frontier()[0].committed_position == 20)
        assert await committed(binding) == 20


@pytest.mark.asyncio
async def test_aborted_records_are_not_delivered_and_the_gap_holds_nothing(kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers)
    from aiokafka import AIOKafkaProducer

    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers, transactional_id=uuid.uuid4().hex)
    await producer.start()
    for number, ends in ((0, producer.commit_transaction), (1, producer.abort_transaction)):
        await producer.begin_transaction()
        await producer.send_and_wait(binding.topics.input, raw_request(number), key=b"k")
        await ends()
    await producer.stop()
    await produce(binding, requests(1, start=2))
    runtime = echo()
    async with running(binding, runtime) as host:
        await host.has_settled(2)
        assert host.bus.frontier()[0].next_position == 5
    assert runtime.started == [0, 2]
    assert await committed(binding) == 5


@pytest.mark.asyncio
async def test_a_topic_that_is_deleted_while_the_host_runs_does_not_come_back(kafka: Kafka) -> None:
    """The library asks for its topics by name again and again, and this broker creates what is asked for."""
    binding = await fresh_binding(kafka.bootstrap_servers)
    topic = binding.topics.input
    async with running(binding, echo()) as host, administering(kafka.bootstrap_servers) as admin:
        await host.owns(1)
        await admin.delete_topics([topic])
        await until(lambda: not host.bus.frontier(), 30)  # the library has asked, and was told
        assert topic not in await admin.list_topics()


@pytest.mark.asyncio
async def test_a_record_larger_than_a_fetch_is_delivered(kafka: Kafka) -> None:
    large = {"max.message.bytes": str(5 * 1024 * 1024)}
    binding = await fresh_binding(
        kafka.bootstrap_servers,
        size=5 * 1024 * 1024,
        settings={"input": large, "output": {"max.message.bytes": str(6 * 1024 * 1024)}, "dead_letter": large},
    )
    envelope = json.loads(raw_request(0)) | {"payload": {"text": "x" * (4 * 1024 * 1024)}}
    await produce(binding, [json.dumps(envelope).encode(), raw_request(1)])
    async with running(binding, echo()) as host:
        await host.has_settled(2)


@pytest.mark.asyncio
@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_is_read_and_written(codec: str, kafka: Kafka) -> None:
    binding = await fresh_binding(kafka.bootstrap_servers, compression=codec)
    await produce(binding, requests(10), compression_type=codec)
    async with running(binding, echo()):
        responses = await records_of(binding, binding.topics.output, 10)
    assert [decode(response.value or b"").payload for response in responses] == [{"number": n} for n in range(10)]


@pytest.mark.asyncio
async def test_after_a_refusal_for_good_the_partition_is_written_again(kafka: Kafka) -> None:
    """The library's own producer would answer every later batch of the partition with an error (K5)."""
    binding = await fresh_binding(kafka.bootstrap_servers)
    bus = KafkaEventBus()
    await bus.initialize(binding)
    told = list[tuple[object, EventBusError | None]]()

    async def publish(context: str, size: int) -> EventBusError | None:
        message = Message(binding.topics.output, b"x" * size, b"k", [], context)
        bus.publish_batch([message], lambda m, error: told.append((m.context, error)))
        await until(lambda: bool(told))
        return told.pop()[1]

    try:
        assert await publish("fits", 100_000) is None
        await lower_limit(kafka.bootstrap_servers, binding.topics.output, 50_000)
        refused = await publish("too large now", 100_000)
        assert refused is not None
        assert not refused.retryable
        assert await publish("fits again", 10_000) is None
    finally:
        await bus.shutdown()


async def lower_limit(servers: str, topic: str, limit: int) -> None:
    """Lowers max.message.bytes, and returns when the broker says so."""
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    async with administering(servers) as admin:
        wanted = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": str(limit)})
        await admin.alter_configs([wanted])
        asked = ConfigResource(ConfigResourceType.TOPIC, topic, configs={"max.message.bytes": None})
        await asked_until(lambda: admin.describe_configs([asked]), lambda answer: str(limit) in str(answer))
