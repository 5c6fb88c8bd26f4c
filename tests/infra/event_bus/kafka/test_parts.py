"""The smaller parts of the Kafka bus: partitions, plans, the breaker, stalls, words for errors, bounded logs."""

import inspect
import logging
import random
import ssl

import pytest
from aiokafka import errors
from aiokafka.partitioner import DefaultPartitioner
from omnibase_core.contracts.kafka_config import ModelKafkaOptions
from omnibase_infra.event_bus.kafka.breaker import OPEN_S, BusBreaker
from omnibase_infra.event_bus.kafka.bus import revoke_budget_s
from omnibase_infra.event_bus.kafka.cluster import addresses
from omnibase_infra.event_bus.kafka.faults import in_words, is_final
from omnibase_infra.event_bus.kafka.partitions import partition_of
from omnibase_infra.event_bus.kafka.plan import creation_command, planned_topics
from omnibase_infra.event_bus.kafka.stalls import StallDetector
from omnibase_infra.telemetry.bounded import bound_logger

from tests.fakes.runtimes import bus_binding


class Clock:
    """Seconds that a test sets."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_key_has_the_partition_that_other_clients_give_it() -> None:
    rng = random.Random(7)  # noqa: S311 - keys of a test
    for _ in range(500):
        key, count = rng.randbytes(rng.randrange(40)), rng.randrange(1, 50)
        assert partition_of(key, count) == DefaultPartitioner()(key, list(range(count)), [])


def test_the_plan_has_a_command_for_each_topic() -> None:
    topics = planned_topics(bus_binding(max_envelope_bytes=1_000_000), replication=2)
    assert [topic.role for topic in topics] == ["input", "output", "dead_letter"]
    assert creation_command(topics[0], "k:9092", partitions=4, replication=2) == (
        "kafka-topics.sh --bootstrap-server k:9092 --create --topic onex.acme.orders.cmd.v1 --partitions 4 "
        "--replication-factor 2 --config max.message.bytes=1065536 --config min.insync.replicas=1 "
        "--config retention.ms=604800000 --config unclean.leader.election.enable=false"
    )
    assert int(topics[2].settings["max.message.bytes"]) > int(topics[0].settings["max.message.bytes"])


def test_a_contract_without_a_dead_letter_topic_needs_two() -> None:
    assert len(planned_topics(bus_binding(dead_letter=None))) == 2


@pytest.mark.parametrize(("rebalance_ms", "budget_s"), [(45_000, 35.0), (12_000, 6.0), (300_000, 290.0)])
def test_a_revoke_leaves_time_for_the_commit_and_the_join(rebalance_ms: int, budget_s: float) -> None:
    options = ModelKafkaOptions(bootstrap_servers="k:1", consumer_group="g", rebalance_timeout_ms=rebalance_ms)
    assert revoke_budget_s(options) == budget_s


def test_bootstrap_servers_are_hosts_and_ports() -> None:
    assert addresses("a:1, [::1]:9093,b.c:2") == [("a", 1), ("::1", 9093), ("b.c", 2)]


def test_failures_in_a_row_open_the_breaker_for_a_while() -> None:
    clock, changes = Clock(), list[bool]()
    breaker = BusBreaker(3, clock, lambda: changes.append(True))
    for _ in range(2):
        breaker.note("publishing: no answer")
    assert breaker.reason() is None
    breaker.note("publishing: no answer")
    assert breaker.reason() == "the bus failed 3 times in a row: publishing: no answer"
    assert changes == [True]
    clock.now += OPEN_S
    assert breaker.reason() is None
    breaker.note("publishing: no answer")
    assert breaker.is_open()


def test_a_success_closes_the_breaker_and_counts_from_the_start() -> None:
    breaker = BusBreaker(2, Clock(), lambda: None)
    breaker.note("x")
    breaker.note(None)
    breaker.note("x")
    assert not breaker.is_open()
    breaker.note("x")
    assert breaker.is_open()
    breaker.note(None)
    assert not breaker.is_open()


def test_three_stalls_within_ten_minutes_are_too_many() -> None:
    clock = Clock()
    detector = StallDetector(clock)
    assert not detector.stalled()
    clock.now += 599
    assert not detector.stalled()
    clock.now += 2
    assert not detector.stalled()
    clock.now += 100
    assert detector.stalled()


LIBRARY = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.KafkaError) and kind.__module__ == "aiokafka.errors"
]


@pytest.mark.parametrize("kind", LIBRARY, ids=lambda kind: kind.__name__)
def test_no_class_name_of_the_library_is_in_what_people_read(kind: type[errors.KafkaError]) -> None:
    words = in_words(kind())
    assert words
    assert not any(known.__name__ in words for known in LIBRARY)
    assert "Error" not in words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connection refused"), "connection refused"),
        (OSError(113, "No route to host"), "no route to host"),
        (TimeoutError(), "no answer in time"),
        (ssl.SSLError(1, "x"), "TLS: the handshake failed"),
        (errors.SaslAuthenticationFailed(), "authentication failed"),
    ],
)
def test_a_reason_says_what_is_wrong(error: BaseException, words: str) -> None:
    assert words in in_words(error)


def test_what_an_operator_must_change_is_final_and_what_passes_is_not() -> None:
    assert is_final(errors.TopicAuthorizationFailedError())
    assert is_final(errors.OffsetOutOfRangeError())
    assert not is_final(errors.KafkaConnectionError())
    assert not is_final(errors.RequestTimedOutError())


def test_a_chatty_logger_says_each_thing_once_and_how_often_it_was_left_out(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("omnibase_infra.telemetry.bounded.time.monotonic", clock)
    logger = logging.getLogger("chatty.module")
    bound_logger("chatty")
    bound_logger("chatty")
    with caplog.at_level(logging.DEBUG):
        for number in range(130):
            logger.warning("no connection to %s", number)
        logger.error("something else")
        logger.info("in passing")
        clock.now += 10
        logger.warning("no connection to %s", "100 %")
    assert [line.getMessage() for line in caplog.records] == [
        "no connection to 0",
        "something else",
        "no connection to 100 % (and 129 times since it was last logged)",
    ]
