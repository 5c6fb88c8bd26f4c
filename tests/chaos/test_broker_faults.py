"""The broker freezes, dies, comes back, or loses the leader: nothing is lost, and no host has to be restarted."""

import time
from collections.abc import Callable
from pathlib import Path
from signal import SIGTERM
from typing import Final

import pytest

from tests.chaos.backlog import Answers, Topics, requests
from tests.chaos.running import Host, contract, ended
from tools.services.kafka import Kafka

BACKLOG: Final = 4_000
PARTITIONS: Final = 4
KEYS: Final = 40
FAULT_S: Final = 8.0
MORE_MEMORY_BYTES: Final = 50 * 1024 * 1024
LOG_LINES: Final = 200


def outlive(kafka: Kafka, folder: Path, fault: Callable[[Topics], None], **times_ms: int) -> None:
    """One host works a backlog off; the fault comes in the middle and goes, and the host recovers by itself."""
    topics = Topics.made(kafka.bootstrap_servers, PARTITIONS, len(kafka.brokers))
    asked = requests(BACKLOG, KEYS, slowest_ms=60)
    topics.publish(asked)
    host = Host(contract(folder, topics, times_ms, window=100), folder / "host.log")
    with ended(host), Answers(topics) as answers:
        answers.until_mark(BACKLOG // 4, host.alive)
        at_rest = host.rss_bytes()
        begun, marked = time.monotonic(), answers.distinct
        fault(topics)
        print(f"{time.monotonic() - begun:.1f} s of fault at {marked}, {host.rss_bytes() - at_rest:,} bytes more")
        answers.until_mark(BACKLOG, host.alive)
        answers.until_committed(host.alive)
        grown = host.rss_bytes() - at_rest
        assert host.end(SIGTERM) == 0
        answers.take(1.0)
        verdict = answers.verdict(asked)
    print(verdict, f"longest silence {answers.longest_silence_s:.1f} s, {grown:,} bytes more")
    assert verdict.holds, verdict
    assert grown < MORE_MEMORY_BYTES
    assert len(host.said().splitlines()) < LOG_LINES


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("session_timeout_ms", [30_000, 3_000], ids=["within the session", "beyond the session"])
def test_a_broker_that_freezes_is_waited_for(session_timeout_ms: int, breakable: Kafka, tmp_path: Path) -> None:
    [broker] = breakable.brokers

    def freeze(topics: Topics) -> None:
        broker.freeze()
        time.sleep(FAULT_S)
        broker.thaw()
        broker.await_ready()

    outlive(
        breakable,
        tmp_path,
        freeze,
        session_timeout_ms=session_timeout_ms,
        rebalance_timeout_ms=2 * session_timeout_ms,
        request_timeout_ms=2 * session_timeout_ms + 6_000,
    )


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_broker_that_was_killed_is_found_again(breakable: Kafka, tmp_path: Path) -> None:
    [broker] = breakable.brokers

    def kill(topics: Topics) -> None:
        broker.kill()
        time.sleep(FAULT_S / 4)
        broker.restart()

    outlive(breakable, tmp_path, kill)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_death_of_a_leader_is_outlived(cluster: Kafka, tmp_path: Path) -> None:
    def kill_leader(topics: Topics) -> None:
        leader = topics.leader(0)
        next(broker for broker in cluster.brokers if broker.number == leader).kill()
        deadline = time.monotonic() + 30
        while topics.leader(0) in (leader, -1):
            assert time.monotonic() < deadline, "no other leader was found"
            time.sleep(0.1)

    outlive(cluster, tmp_path, kill_leader)
