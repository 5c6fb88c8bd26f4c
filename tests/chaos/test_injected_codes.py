"""Error codes that a real broker does not give on demand, from librdkafka's mock cluster, into a host at work.

Each has a defined end: the host goes on by itself and everything is answered, or it ends with exit code 5.
"""

from collections.abc import Iterator
from pathlib import Path
from signal import SIGTERM
from typing import Final, NamedTuple

import pytest

from tests.chaos.backlog import Answers, Request, Topics, fresh_name, requests
from tests.chaos.mock_cluster import MockCluster
from tests.chaos.running import Host, contract, ended

BUS_LOST: Final = 5
REBALANCE_IN_PROGRESS: Final = 27
STEP: Final = 40
FAILURES: Final = {"Produce": 6, "Fetch": 6, "OffsetCommit": 6, "Heartbeat": 1, "JoinGroup": 2}
"""How many in a row; the verifier gets some of those of Fetch, and one of Heartbeat costs a rebalance."""

WORK_MS: Final = 300
"""Longer than it takes to have the answers' publish fail, and not that of the requests."""

OUTLIVED: Final = (
    ("Produce", 3, "UNKNOWN_TOPIC_OR_PARTITION"),
    ("Produce", 5, "LEADER_NOT_AVAILABLE"),
    ("Produce", 6, "NOT_LEADER_OR_FOLLOWER"),
    ("Produce", 7, "REQUEST_TIMED_OUT"),
    ("Produce", 45, "OUT_OF_ORDER_SEQUENCE_NUMBER"),
    ("Produce", 56, "KAFKA_STORAGE_ERROR"),
    ("Fetch", 3, "UNKNOWN_TOPIC_OR_PARTITION"),
    ("Fetch", 6, "NOT_LEADER_OR_FOLLOWER"),
    ("Fetch", 7, "REQUEST_TIMED_OUT"),
    ("Fetch", 56, "KAFKA_STORAGE_ERROR"),
    ("OffsetCommit", 14, "COORDINATOR_LOAD_IN_PROGRESS"),
    ("OffsetCommit", 15, "COORDINATOR_NOT_AVAILABLE"),
    ("OffsetCommit", 16, "NOT_COORDINATOR"),
    ("OffsetCommit", 25, "UNKNOWN_MEMBER_ID"),
    ("OffsetCommit", 27, "REBALANCE_IN_PROGRESS"),
    ("Heartbeat", 25, "UNKNOWN_MEMBER_ID"),
    ("Heartbeat", 27, "REBALANCE_IN_PROGRESS"),
    ("Heartbeat", 16, "NOT_COORDINATOR"),
    ("JoinGroup", 14, "COORDINATOR_LOAD_IN_PROGRESS"),
    ("JoinGroup", 25, "UNKNOWN_MEMBER_ID"),
)


class Bench(NamedTuple):
    """A host at work on a mock cluster."""

    mock: MockCluster
    topics: Topics
    host: Host
    answers: Answers


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """One host, ready, nothing to do yet."""
    name = fresh_name()
    with MockCluster(Topics("", 1, name).names) as mock:
        topics = Topics(mock.bootstrap_servers, 1, name)
        host = Host(contract(tmp_path, topics), tmp_path / "host.log")
        with ended(host), Answers(topics) as answers:
            host.await_ready()
            yield Bench(mock, topics, host, answers)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_host_outlives_every_code_that_passes(bench: Bench) -> None:
    asked: list[Request] = []
    for api, code, name in OUTLIVED:
        more = [request._replace(work_ms=WORK_MS) for request in requests(STEP, STEP, first=len(asked))]
        bench.topics.publish(more)
        asked += more
        if api == "JoinGroup":
            bench.mock.fail("Heartbeat", REBALANCE_IN_PROGRESS)
        bench.mock.fail(api, code, FAILURES[api])
        bench.answers.until_mark(len(asked), bench.host.alive, 30)
        print(f"{api} {code} {name}: {bench.answers.distinct} of {len(asked)} answered")
        bench.mock.fail(api, code, 0)
    bench.answers.until_committed(bench.host.alive)
    assert bench.host.end(SIGTERM) == 0
    bench.answers.take(1.0)
    verdict = bench.answers.verdict(asked)
    print(verdict)
    assert verdict.holds, verdict


@pytest.mark.slow
@pytest.mark.parametrize(("api", "code"), [("Fetch", 29), ("JoinGroup", 30)])
def test_a_host_ends_with_a_code_of_its_own_where_no_attempt_can_help(api: str, code: int, bench: Bench) -> None:
    if api == "JoinGroup":
        bench.mock.fail("Heartbeat", REBALANCE_IN_PROGRESS)
    bench.mock.fail(api, code, 20)
    bench.topics.publish(requests(STEP, 4))
    assert bench.host.process.wait(30) == BUS_LOST
    assert "refused" in bench.host.said()
