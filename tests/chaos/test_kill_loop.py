"""The kill loop: hosts die at marks of progress while a backlog is worked off, and nothing may be missing.

Marks of time would prove nothing, since everything is done before the first one; a small window, quick work or
quick acknowledgements would hide a host that commits too early (docs/testing.md). ONEX_NIGHTLY=1 is the long run.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from signal import SIGKILL, SIGTERM, Signals
from typing import Final

import pytest

from tests.chaos.backlog import Answers, Topics, Verdict, requests
from tests.chaos.hosts import Treatment
from tests.chaos.mutants import MUTANTS
from tests.chaos.running import Crew, contract
from tools.services.kafka import Kafka

NIGHTLY: Final = os.environ.get("ONEX_NIGHTLY") == "1"
BACKLOG: Final = 50_000 if NIGHTLY else 5_000
PARTITIONS: Final = 4
WINDOW: Final = 400
COMMIT_COUNT: Final = 500
KEYS: Final = 48
SLOWEST_MS: Final = 200
KILLS: Final = (SIGKILL, SIGKILL, SIGTERM, SIGKILL, SIGTERM, SIGKILL, SIGKILL, SIGTERM, SIGKILL)
SLOW: Final = Treatment(publish_delay_s=1.0)
FAILING: Final = Treatment(publish_delay_s=1.0, publish_failures=0.15)


def survive(
    kafka: Kafka, folder: Path, treatment: Treatment, *, backlog: int, kills: Sequence[Signals]
) -> Verdict:
    """Two hosts work the backlog off; at each mark one of them is ended and replaced."""
    topics = Topics.made(kafka.bootstrap_servers, PARTITIONS)
    asked = requests(backlog, KEYS, slowest_ms=SLOWEST_MS)
    topics.publish(asked)
    path = contract(folder, topics, window=WINDOW)
    with Crew(path, folder, treatment, 2) as crew, Answers(topics) as answers:
        for number, kill in enumerate(kills):
            mark = backlog * (2 * number + 1) // (2 * len(kills))
            if not answers.until_mark(mark, crew.alive):
                break
            code = crew.replace(number % 2, kill)
            print(f"{kill.name} at {answers.distinct} of {backlog} (mark {mark}): exit code {code}")
        answers.until_committed(crew.alive)
        assert crew.dismiss() == [0, 0]
        answers.take(1.0)
        verdict = answers.verdict(asked)
    print(verdict)
    return verdict


@pytest.mark.slow
@pytest.mark.timeout(1_800 if NIGHTLY else 300)
@pytest.mark.parametrize("treatment", [SLOW, FAILING], ids=["slow", "failing"])
def test_nothing_is_lost_or_disordered(treatment: Treatment, kafka: Kafka, tmp_path: Path) -> None:
    verdict = survive(kafka, tmp_path, treatment, backlog=BACKLOG, kills=KILLS * (5 if NIGHTLY else 1))
    assert verdict.holds, verdict
    assert verdict.duplicates <= len(KILLS) * (WINDOW * PARTITIONS + COMMIT_COUNT)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_host_that_breaks_a_rule_is_caught(mutant: str, kafka: Kafka, tmp_path: Path) -> None:
    verdict = survive(kafka, tmp_path, SLOW._replace(mutant=mutant), backlog=1_500, kills=[SIGKILL] * 5)
    assert verdict.lost > 0, verdict
