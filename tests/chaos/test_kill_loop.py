"""The kill loop: hosts die at marks of progress while a backlog is worked off, and nothing may be missing.

Marks of time would prove nothing, since everything is done before the first one; a small window, quick work or
quick acknowledgements would hide a host that commits too early (docs/testing.md). ONEX_NIGHTLY=1 is the long run.
"""

import os
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest

from tests.chaos.hosts import Treatment
from tests.chaos.mutants import MUTANTS
from tests.chaos.surviving import KILLS, PARTITIONS, SLOW, WINDOW, survive
from tools.services.kafka import Kafka

NIGHTLY: Final = os.environ.get("ONEX_NIGHTLY") == "1"
BACKLOG: Final = 50_000 if NIGHTLY else 5_000
COMMIT_COUNT: Final = 500
FAILING: Final = Treatment(publish_delay_s=1.0, publish_failures=0.15)


@pytest.mark.slow
@pytest.mark.timeout(1_800 if NIGHTLY else 300)
@pytest.mark.parametrize("treatment", [SLOW, FAILING], ids=["slow", "failing"])
def test_nothing_is_lost_or_disordered(treatment: Treatment, kafka: Kafka, tmp_path: Path) -> None:
    kills = KILLS * (5 if NIGHTLY else 1)
    verdict = survive(kafka, tmp_path, treatment, backlog=BACKLOG, kills=kills)
    print(verdict)
    assert verdict.holds, verdict
    assert verdict.duplicates <= len(kills) * (WINDOW * PARTITIONS + COMMIT_COUNT)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_nothing_is_lost_where_partitions_come_back(kafka: Kafka, tmp_path: Path) -> None:
    verdict = survive(kafka, tmp_path, SLOW, backlog=1_500, kills=[SIGKILL] * 5, one_stays=True)
    assert verdict.holds, verdict


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_host_that_breaks_a_rule_is_caught(mutant: str, kafka: Kafka, tmp_path: Path) -> None:
    treatment, epochs = SLOW._replace(mutant=mutant), mutant == "ignores epochs"
    verdict = survive(kafka, tmp_path, treatment, backlog=1_500, kills=[SIGKILL] * 5, one_stays=epochs)
    assert verdict.lost > 0, verdict
