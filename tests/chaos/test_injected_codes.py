"""Error codes that a real broker does not give on demand, from librdkafka's mock cluster, into a host at work.

Each has a defined end: the host goes on by itself and everything is answered, or it ends with exit code 5. A case
counts where the host's own client has received its code as often as it was given.
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from signal import SIGTERM
from typing import Final, NamedTuple

import pytest

from tests.chaos.backlog import Answers, Request, Topics, fresh_name, requests
from tests.chaos.hosts import Treatment
from tests.chaos.running import Host, contract, ended
from tools.services.kafka_mock import APIS, KafkaMock

BUS_LOST: Final = 5
REBALANCE_IN_PROGRESS: Final = 27
STEP: Final = 40
LIMIT_S: Final = 30.0
POLL_S: Final = 0.05
TIMES: Final = {"Produce": 3, "Fetch": 2, "OffsetCommit": 2, "Heartbeat": 1, "JoinGroup": 2, "SyncGroup": 1}
"""How many in a row: enough that the first attempt to mend it does not do."""

QUICK: Final = {"session_timeout_ms": 1_500, "heartbeat_interval_ms": 150}

RECEIVED: Final = "received"
ASSIGNED: Final = "bus.assigned"
COMMIT: Final = "bus.commit_failed"
CONSUMER: Final = "bus.consumer_failed"
PUBLISH: Final = "bus.publish_failed"
REVOKED: Final = "bus.revoked"


class Case(NamedTuple):
    """A code that passes. says: the host's own events; none where its client tries again in silence."""

    api: str
    code: int
    name: str
    says: frozenset[str] = frozenset()


def cases(api: str, names: str, *says: str) -> Sequence[Case]:
    """A case for each `code NAME`."""
    words = names.split()
    return [
        Case(api, int(code), name, frozenset(says)) for code, name in zip(words[::2], words[1::2], strict=True)
    ]


OUTLIVED: Final = (
    *cases("Produce", "3 UNKNOWN_TOPIC_OR_PARTITION 5 LEADER_NOT_AVAILABLE 6 NOT_LEADER_OR_FOLLOWER"),
    *cases("Produce", "7 REQUEST_TIMED_OUT 19 NOT_ENOUGH_REPLICAS 56 KAFKA_STORAGE_ERROR"),
    *cases("Produce", "29 TOPIC_AUTHORIZATION_FAILED 45 OUT_OF_ORDER_SEQUENCE_NUMBER", PUBLISH),
    *cases("Produce", "47 INVALID_PRODUCER_EPOCH 59 UNKNOWN_PRODUCER_ID", PUBLISH),
    *cases("Fetch", "3 UNKNOWN_TOPIC_OR_PARTITION 5 LEADER_NOT_AVAILABLE 6 NOT_LEADER_OR_FOLLOWER"),
    *cases("Fetch", "7 REQUEST_TIMED_OUT 56 KAFKA_STORAGE_ERROR 74 FENCED_LEADER_EPOCH"),
    *cases("OffsetCommit", "7 REQUEST_TIMED_OUT 14 COORDINATOR_LOAD_IN_PROGRESS"),
    *cases("OffsetCommit", "15 COORDINATOR_NOT_AVAILABLE 16 NOT_COORDINATOR"),
    *cases("OffsetCommit", "29 TOPIC_AUTHORIZATION_FAILED", COMMIT),
    *cases("OffsetCommit", "22 ILLEGAL_GENERATION 25 UNKNOWN_MEMBER_ID 27 REBALANCE_IN_PROGRESS", COMMIT, REVOKED),
    *cases("Heartbeat", "15 COORDINATOR_NOT_AVAILABLE 16 NOT_COORDINATOR"),
    *cases("Heartbeat", "22 ILLEGAL_GENERATION 25 UNKNOWN_MEMBER_ID 27 REBALANCE_IN_PROGRESS", REVOKED),
    *cases("JoinGroup", "14 COORDINATOR_LOAD_IN_PROGRESS 15 COORDINATOR_NOT_AVAILABLE", ASSIGNED),
    *cases("JoinGroup", "16 NOT_COORDINATOR 25 UNKNOWN_MEMBER_ID", ASSIGNED),
    *cases("JoinGroup", "7 REQUEST_TIMED_OUT", CONSUMER, ASSIGNED),
    *cases("SyncGroup", "27 REBALANCE_IN_PROGRESS 16 NOT_COORDINATOR 25 UNKNOWN_MEMBER_ID", ASSIGNED),
)


class Bench(NamedTuple):
    """A host at work on a mock cluster."""

    mock: KafkaMock
    topics: Topics
    host: Host
    answers: Answers

    def fail(self, api: str, code: int, times: int) -> None:
        """Gives the host, and nobody else, a code so many times, and a rebalance where it needs one."""
        self.mock.fail(api, code, times, {"Produce": self.topics.output, "Fetch": self.topics.input}.get(api))
        if api in ("JoinGroup", "SyncGroup"):
            self.mock.fail("Heartbeat", REBALANCE_IN_PROGRESS, 1)

    def heard(self, api: str, code: int, since: int = 0) -> Sequence[str]:
        """The events that the host has logged since it received this code; each reception is `RECEIVED`."""
        whole = [line for line in self.host.said()[since:].splitlines(True) if line[0] == "{" and line[-1] == "\n"]
        said = [json.loads(line) for line in whole]
        code_of = (APIS[api], code)
        events = [RECEIVED if (line.get("api"), line.get("code")) == code_of else line["event"] for line in said]
        return events[events.index(RECEIVED) :] if RECEIVED in events else []

    def outlive(self, case: Case, answered: int, since: int) -> Sequence[str]:
        """Returns, with what it heard, when so many are answered and the case is heard as it should be."""
        deadline = time.monotonic() + LIMIT_S
        while True:
            self.answers.take(POLL_S)
            self.host.alive()
            heard = self.heard(case.api, case.code, since)
            if (
                self.answers.distinct >= answered
                and heard.count(RECEIVED) >= TIMES[case.api]
                and case.says <= set(heard)
            ):
                return heard
            assert time.monotonic() < deadline, (
                f"{case}: {self.answers.distinct} of {answered} answered, {heard}:\n{self.host.said()[-3000:]}"
            )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """One host, ready, nothing to do yet."""
    with KafkaMock() as mock:
        topics = Topics(mock.bootstrap_servers, 1, fresh_name())
        for topic in topics.names:
            mock.create(topic, 1)
        host = Host(contract(tmp_path, topics, QUICK), tmp_path / "host.log", Treatment(tells_codes=True))
        with ended(host), Answers(topics) as answers:
            host.await_ready()
            yield Bench(mock, topics, host, answers)


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_host_outlives_every_code_that_passes(bench: Bench) -> None:
    asked: list[Request] = []
    for case in OUTLIVED:
        begun, since = time.monotonic(), len(bench.host.said())
        bench.fail(case.api, case.code, TIMES[case.api])
        more = requests(STEP, STEP, first=len(asked))
        bench.topics.publish(more)
        asked += more
        heard = bench.outlive(case, len(asked), since)
        print(f"{case.api} {case.code} {case.name}: {heard} in {time.monotonic() - begun:.1f} s")
    bench.answers.until_committed(bench.host.alive)
    assert bench.host.end(SIGTERM) == 0
    bench.answers.take(1.0)
    verdict = bench.answers.verdict(asked)
    print(verdict)
    assert verdict.holds, verdict


@pytest.mark.slow
@pytest.mark.parametrize(("api", "code"), [("Fetch", 29), ("JoinGroup", 30)])
def test_a_host_ends_with_a_code_of_its_own_where_no_attempt_can_help(api: str, code: int, bench: Bench) -> None:
    bench.fail(api, code, 1)
    assert bench.host.process.wait(LIMIT_S) == BUS_LOST
    assert CONSUMER in bench.heard(api, code)
    assert "refused" in bench.host.said()
