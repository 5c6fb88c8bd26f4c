"""What a start refuses, on a real broker that would create any topic that somebody asks for."""

import asyncio
import socket

import pytest
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.errors import EventBusError, ProtocolConfigurationError
from omnibase_infra.event_bus.kafka.bus import KafkaEventBus

from tests.integration.kafka.ground import administering, create_topics, fresh_binding, unmade_binding
from tools.services.kafka import Kafka


async def refusal(binding: ModelEventBusBinding) -> str:
    """What `initialize` says."""
    bus = KafkaEventBus()
    try:
        with pytest.raises((EventBusError, ProtocolConfigurationError)) as raised:
            await bus.initialize(binding)
    finally:
        await bus.shutdown()
    return raised.value.message


@pytest.mark.asyncio
async def test_topics_that_do_not_exist_are_named_with_the_commands_and_not_created(kafka: Kafka) -> None:
    binding = unmade_binding(kafka.bootstrap_servers)
    said = await refusal(binding)
    async with administering(kafka.bootstrap_servers) as admin:
        existing = await admin.list_topics()
    for topic in binding.topics.model_dump().values():
        assert f"--create --topic {topic} " in said
        assert topic not in existing


@pytest.mark.asyncio
async def test_a_topic_that_is_missing_is_named_alone(kafka: Kafka) -> None:
    binding = unmade_binding(kafka.bootstrap_servers)
    topics = binding.topics
    await create_topics(kafka.bootstrap_servers, {"input": topics.input, "output": topics.output}, 1)
    said = await refusal(binding)
    assert said.startswith(f"A topic does not exist: '{topics.dead_letter}' (dead_letter)")
    assert said.count("--create") == 1


@pytest.mark.asyncio
async def test_topics_that_take_too_little_are_named_together(kafka: Kafka) -> None:
    small = {"max.message.bytes": "100000"}
    binding = await fresh_binding(kafka.bootstrap_servers, settings={"output": small, "dead_letter": small})
    said = await refusal(binding)
    assert f"'{binding.topics.output}' (output) takes 100000 bytes, max_envelope_bytes is 1048576" in said
    assert f"'{binding.topics.dead_letter}' (dead_letter) takes 100000 bytes, less than the 1048588" in said


@pytest.mark.asyncio
async def test_servers_that_nobody_listens_at_are_all_named() -> None:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        servers = [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other)]
        said = await refusal(unmade_binding(",".join(servers)))
    assert said == (
        f"No Kafka broker can be reached: {servers[0]}: connection refused; {servers[1]}: connection refused"
    )


@pytest.mark.asyncio
async def test_one_server_that_answers_is_enough(kafka: Kafka) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        dead = f"127.0.0.1:{nobody.getsockname()[1]}"
        binding = await fresh_binding(kafka.bootstrap_servers)
        options = binding.options.model_copy(update={"bootstrap_servers": f"{dead},{kafka.bootstrap_servers}"})
        bus = KafkaEventBus()
        await bus.initialize(binding.model_copy(update={"options": options}))
        await bus.shutdown()


@pytest.mark.asyncio
async def test_a_server_that_accepts_and_says_nothing_costs_a_bounded_time() -> None:
    writers = list[asyncio.StreamWriter]()
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        said = await refusal(unmade_binding(f"127.0.0.1:{port}", connect_timeout_ms=200))
    finally:
        server.close()
        for writer in writers:
            writer.close()
            await writer.wait_closed()
    assert said == f"No Kafka broker can be reached: 127.0.0.1:{port}: no answer in time"


@pytest.mark.asyncio
@pytest.mark.parametrize(("listener", "protocol"), [("plaintext", "SSL"), ("tls", "PLAINTEXT")])
async def test_a_listener_of_another_protocol_is_named_with_ours(
    kafka: Kafka, listener: str, protocol: str
) -> None:
    said = await refusal(unmade_binding(kafka.listener(listener), security={"protocol": protocol}))
    assert f"{kafka.listener(listener)}: the listener closed the connection; does it speak {protocol}" in said
