"""Members come, go and are replaced while a backlog is worked off that holds one slow record."""

from pathlib import Path
from signal import SIGTERM
from typing import Final

import pytest

from tests.chaos.backlog import Answers, Topics, requests
from tests.chaos.hosts import Treatment
from tests.chaos.running import Crew, contract
from tools.services.kafka import Kafka

PARTITIONS: Final = 12
BACKLOG: Final = 12_000
KEYS: Final = 120
SLOW_MS: Final = 4_000
REBALANCE_S: Final = 6.0
GIVEN_UP: Final = 4
"""The exit code of the one that has the slow record, where a rebalance within its stop takes that away."""
AGAIN: Final = BACKLOG // PARTITIONS
"""The slow record holds its partition's frontier: what is done behind it is done again at each rebalance within
its four seconds, which is more the quicker the hosts are, and at the most a partition's share."""


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_rolling_restart_loses_nothing_and_stalls_nobody(kafka: Kafka, tmp_path: Path) -> None:
    topics = Topics.made(kafka.bootstrap_servers, PARTITIONS)
    asked = [
        request._replace(work_ms=SLOW_MS) if request.sequence == BACKLOG // 4 else request
        for request in requests(BACKLOG, KEYS, slowest_ms=40)
    ]
    topics.publish(asked)
    path = contract(tmp_path, topics, {"rebalance_timeout_ms": int(REBALANCE_S * 1000)}, window=100)
    with Crew(path, tmp_path, Treatment(publish_delay_s=0.1), 3) as crew, Answers(topics) as answers:
        steps = [lambda: crew.replace(0, SIGTERM), crew.add, lambda: crew.replace(1, SIGTERM), crew.release]
        steps.append(lambda: crew.replace(2, SIGTERM))
        left: list[int | None] = []
        for number, step in enumerate(steps, 1):
            answers.until_mark(BACKLOG * number // (len(steps) + 1), crew.alive)
            left.append(step())
            print(f"step {number} of {len(steps)} at {answers.distinct} of {BACKLOG}: {left[-1]}")
        answers.until_committed(crew.alive)
        codes = crew.dismiss()
        answers.take(1.0)
        verdict = answers.verdict(asked)
    print(verdict, f"longest silence: {answers.longest_silence_s:.1f} s")
    ends = [code for code in (*left, *codes) if code is not None]
    assert len(ends) == 7
    assert set(ends) <= {0, GIVEN_UP}
    assert ends.count(GIVEN_UP) <= 1
    assert verdict.holds, verdict
    assert verdict.duplicates <= AGAIN
    assert answers.longest_silence_s < 2 * REBALANCE_S
