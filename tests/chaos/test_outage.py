"""PostgreSQL dies under load: what needs it waits, all else runs on, nothing is lost, refused or counted twice."""

import asyncio
import time
from pathlib import Path
from signal import SIGTERM
from typing import Final

import pytest
from omnibase_infra.embedded import EmbeddedPostgres

from tests.chaos.backlog import Answers, Topics, requests
from tests.chaos.hosts import Treatment
from tests.chaos.ledger import counted, counting, expected
from tests.chaos.running import Host, contract, ended
from tests.chaos.surviving import KEYS
from tools.services.kafka import Kafka

PARTITIONS: Final = 4
WINDOW: Final = 400
BEFORE: Final = 600
MORE: Final = 3_000
PAGES: Final = 200
TRIP_LIMIT_S: Final = 10.0
QUICK_BREAKER: Final = ", circuit_breaker: {failure_threshold: 5, open_ms: 500}"


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_an_outage_of_the_database_is_a_delay_to_what_needs_it_and_nothing_to_the_rest(
    kafka: Kafka, ledger: EmbeddedPostgres, tmp_path: Path
) -> None:
    topics = Topics.made(kafka.bootstrap_servers, PARTITIONS)
    before, more = requests(BEFORE, KEYS, slowest_ms=60), requests(MORE, KEYS, slowest_ms=5, first=BEFORE)
    waiting = requests(PAGES, 20, first=BEFORE + MORE)
    pages = [request._replace(node="page", key=f"page-{request.key}") for request in waiting]
    topics.publish(before)
    path = contract(tmp_path, topics, window=WINDOW, work=counting(more=QUICK_BREAKER))
    host = Host(path, tmp_path / "host.log", Treatment(tells_pauses=True))
    with ended(host), Answers(topics) as answers:
        answers.until_mark(BEFORE // 6, host.alive)
        stopped = time.monotonic()
        ledger.stop(immediate=True)
        host.await_said('"guard.breaker_opened"', TRIP_LIMIT_S)
        tripped_s = time.monotonic() - stopped
        assert tripped_s < TRIP_LIMIT_S
        answers.take(1.0)
        at_rest = answers.distinct
        topics.publish(pages)
        answers.until_mark(at_rest + PAGES, host.alive)
        topics.publish(more)
        for partition in range(PARTITIONS):
            host.await_said(f"partition {partition} is paused")
        answers.take(1.0)
        assert answers.distinct == at_rest + PAGES
        assert all(answer.success for answer in answers.read)
        ledger.start()
        started = time.monotonic()
        host.await_said('"guard.breaker_closed"')
        recovered_s = time.monotonic() - started
        answers.until_committed(host.alive)
        assert host.end(SIGTERM) == 0
        answers.take(1.0)
        verdict = answers.verdict([*before, *more, *pages])
    print(
        verdict, f"open {tripped_s:.2f} s after the crash at {at_rest}, closed {recovered_s:.2f} s after the start"
    )
    assert verdict.holds, verdict
    assert verdict.duplicates == 0
    assert asyncio.run(counted(ledger.dsn)) == expected(BEFORE + MORE)
