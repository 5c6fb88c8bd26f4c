"""What goes out to Kafka: batches by partition, each message acknowledged or failed by itself, in order."""

import asyncio
from collections.abc import Sequence

import pytest
from aiokafka.errors import KafkaConnectionError, MessageSizeTooLargeError, OutOfOrderSequenceNumber
from omnibase_core.errors import EventBusError
from omnibase_infra.event_bus.kafka.cloudevents import as_cloud_event
from omnibase_infra.event_bus.kafka.partitions import partition_of
from omnibase_infra.event_bus.kafka.producer import Publisher
from omnibase_spi.event_bus import Message

from tests.fakes.kafka_clients import FakeProducer, Sent, producers_of
from tests.fakes.runtimes import settled_loop
from tests.fakes.waiting import until

Told = list[tuple[str, EventBusError | None]]


class Desk:
    """A publisher over fakes, and what it has told of each message."""

    def __init__(
        self,
        *fakes: FakeProducer,
        limit: int = 10_000,
        timeout_s: float = 5.0,
        partitions: int = 2,
        narrow_s: float = 60.0,
    ) -> None:
        self.fakes = fakes
        self.told: Told = []
        self.outcomes: list[str | None] = []
        self.producers = producers_of(fakes, partitions)
        self.publisher = Publisher(
            self.producers,
            {"out": limit, "dead": limit},
            max_value=limit - 1_000,
            timeout_s=timeout_s,
            told=self.outcomes.append,
            narrow_s=narrow_s,
        )

    async def publish(self, *texts: str, key: bytes | None = b"a", topic: str = "out") -> None:
        """Messages of one key."""
        messages = [Message(topic, text.encode(), key, ()) for text in texts]
        self.publisher.publish(messages, lambda m, error: self.told.append((m.value.decode(), error)))
        await settled_loop()

    def sent(self, producer: int = 0) -> Sequence[Sent]:
        """The batches of one of the producers."""
        return self.fakes[producer].sent

    def failed(self) -> list[str]:
        """What failed and may be published again, in the order of telling."""
        return [text for text, error in self.told if error is not None and error.retryable]


def values(batches: Sequence[Sent]) -> list[list[str]]:
    """The texts of each batch."""
    return [[value.decode() for value in batch.values] for batch in batches]


@pytest.mark.asyncio
async def test_while_a_batch_is_on_its_way_the_next_one_piles_up() -> None:
    desk = Desk(FakeProducer())
    await desk.producers.start()
    await desk.publish("1")
    await desk.publish("2", "3")
    await desk.publish("4")
    assert values(desk.sent()) == [["1"]]
    desk.sent()[0].acknowledged.set_result(None)
    await settled_loop()
    assert values(desk.sent()) == [["1"], ["2", "3", "4"]]
    assert desk.told == [("1", None)]


@pytest.mark.asyncio
async def test_behind_a_failed_batch_everything_of_its_partition_fails_in_order_and_in_one_step() -> None:
    desk = Desk(FakeProducer(), FakeProducer())
    await desk.producers.start()
    await desk.publish("1", "2")
    await desk.publish("3", "4")
    desk.sent()[0].acknowledged.set_exception(KafkaConnectionError())
    await settled_loop()
    assert desk.failed() == ["1", "2", "3", "4"]
    assert values(desk.sent()) == [["1", "2"]]


@pytest.mark.asyncio
async def test_another_partition_goes_on_when_one_fails() -> None:
    desk = Desk(FakeProducer(), FakeProducer())
    await desk.producers.start()
    await desk.publish("bad", key=b"a")
    mine = partition_of(b"a", 2)
    other = next(key for number in range(99) if partition_of(key := str(number).encode(), 2) != mine)
    await desk.publish("good", key=other)
    bad, good = desk.sent()[0], desk.sent()[1]
    assert bad.partition != good.partition
    bad.acknowledged.set_exception(OutOfOrderSequenceNumber())
    await settled_loop()
    assert "good" not in [text for text, error in desk.told if error is not None]
    assert not desk.fakes[0].stopped, "a producer that has a batch under way is not ended"
    good.acknowledged.set_result(None)
    await settled_loop()
    assert ("good", None) in desk.told
    assert desk.fakes[0].stopped


@pytest.mark.asyncio
async def test_after_a_failure_another_producer_is_used() -> None:
    desk = Desk(FakeProducer(), FakeProducer())
    await desk.producers.start()
    await desk.publish("1")
    desk.sent()[0].acknowledged.set_exception(OutOfOrderSequenceNumber())
    await settled_loop()
    await desk.publish("1")
    await settled_loop()
    assert values(desk.sent(0)) == [["1"]]
    assert values(desk.sent(1)) == [["1"]]


@pytest.mark.asyncio
async def test_a_batch_without_an_acknowledgement_fails_in_time() -> None:
    desk = Desk(FakeProducer(), FakeProducer(), timeout_s=0.05)
    await desk.producers.start()
    await desk.publish("1")
    await until(lambda: bool(desk.told))
    assert desk.failed() == ["1"]
    assert desk.outcomes == ["publishing to out: no answer in time"]


@pytest.mark.asyncio
async def test_what_is_too_large_is_refused_alone_and_before_it_is_queued() -> None:
    desk = Desk(FakeProducer())
    await desk.producers.start()
    await desk.publish("1", "x" * 9_001, "2")
    assert values(desk.sent()) == [["1", "2"]]
    (text, error), *_ = desk.told
    assert len(text) == 9_001
    assert error is not None
    assert not error.retryable


@pytest.mark.asyncio
async def test_headers_count_towards_the_size() -> None:
    desk = Desk(FakeProducer())
    await desk.producers.start()
    message = Message("out", b"x" * 9_000, b"k", [("tracestate", b"y" * 1_000)])
    desk.publisher.publish([message], lambda m, error: desk.told.append(("it", error)))
    await settled_loop()
    assert desk.told[0][1] is not None
    assert not desk.sent()


@pytest.mark.asyncio
async def test_a_topic_that_takes_less_than_it_did_gets_smaller_batches_until_one_message_is_named() -> None:
    desk = Desk(*(FakeProducer() for _ in range(4)))
    await desk.producers.start()
    await desk.publish("1", "2", "3")
    desk.sent(0)[0].acknowledged.set_exception(MessageSizeTooLargeError())
    await settled_loop()
    assert desk.failed() == ["1", "2", "3"]
    desk.told.clear()
    await desk.publish("1", "2", "3")
    assert values(desk.sent(1)) == [["1"]]
    desk.sent(1)[0].acknowledged.set_exception(MessageSizeTooLargeError())
    await settled_loop()
    first, *others = desk.told
    assert first[0] == "1"
    assert first[1] is not None
    assert not first[1].retryable
    assert [text for text, error in others if error is not None and error.retryable] == ["2", "3"]


@pytest.mark.asyncio
async def test_after_a_while_a_topic_is_tried_again_with_what_it_refused_for_its_size() -> None:
    desk = Desk(FakeProducer(), FakeProducer(), limit=2_000, narrow_s=0.05)
    await desk.producers.start()
    await desk.publish("x" * 900)
    desk.sent(0)[0].acknowledged.set_exception(MessageSizeTooLargeError())
    await settled_loop()
    await desk.publish("y" * 900)
    assert [error.retryable for _, error in desk.told if error is not None] == [False, False]
    async with asyncio.timeout(5):
        while not desk.sent(1):
            await desk.publish("y" * 900)


@pytest.mark.asyncio
async def test_a_topic_that_is_none_of_the_contracts_is_not_written() -> None:
    desk = Desk(FakeProducer())
    await desk.producers.start()
    await desk.publish("1", topic="elsewhere")
    assert desk.told[0][1] is not None
    assert "none of the contract's" in desk.told[0][1].message
    assert not desk.sent()


@pytest.mark.asyncio
async def test_messages_without_a_key_are_spread() -> None:
    desk = Desk(FakeProducer())
    await desk.producers.start()
    await desk.publish("1", "2", key=None)
    assert {batch.partition for batch in desk.sent()} == {0, 1}


@pytest.mark.asyncio
async def test_closing_fails_what_was_not_acknowledged_and_refuses_the_rest() -> None:
    desk = Desk(FakeProducer())
    await desk.producers.start()
    await desk.publish("1")
    await desk.publish("2")
    await desk.publisher.close(0.05)
    await desk.publish("3")
    assert desk.failed() == ["1", "2", "3"]


@pytest.mark.asyncio
async def test_a_producer_that_cannot_be_had_is_asked_for_again() -> None:
    desk = Desk(FakeProducer(), FakeProducer(start_error=KafkaConnectionError()), FakeProducer())
    await desk.producers.start()
    await desk.publish("1")
    desk.sent()[0].acknowledged.set_exception(OutOfOrderSequenceNumber())
    await settled_loop()
    await desk.publish("1")
    await until(lambda: bool(desk.sent(2)))
    assert desk.fakes[1].stopped
    await desk.publisher.close(0.01)
    await desk.producers.close()


@pytest.mark.asyncio
async def test_a_defect_in_the_start_of_a_producer_fails_what_waits_and_not_what_comes_later() -> None:
    desk = Desk(FakeProducer(), FakeProducer(start_error=ValueError("a defect")), FakeProducer())
    await desk.producers.start()
    await desk.publish("1")
    desk.sent()[0].acknowledged.set_exception(OutOfOrderSequenceNumber())
    await settled_loop()
    desk.told.clear()
    await desk.publish("1")
    await until(lambda: desk.failed() == ["1"])
    await desk.publish("1")
    await until(lambda: bool(desk.sent(2)))
    await desk.publisher.close(0.01)
    await desk.producers.close()


def test_cloud_events_are_responses_only_and_keep_their_own_headers() -> None:
    decorate = as_cloud_event("orders host")
    told = [("onex-envelope-id", b"1"), ("onex-correlation-id", b"2"), ("onex-causation-id", b"3")]
    response = decorate(Message("out", b"{}", b"k", told))
    assert list(response.headers[:3]) == told
    assert dict(response.headers[3:]) == {
        "ce_specversion": b"1.0",
        "ce_type": b"onex.response.v1",
        "ce_source": b"urn:onex:orders%20host",
        "ce_id": b"1",
        "ce_correlationid": b"2",
        "ce_causationid": b"3",
    }
    dead = Message("dead", b"garbage", b"k", [("x", b"y")])
    assert decorate(dead) is dead
