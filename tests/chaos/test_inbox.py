"""The kill loop on PostgreSQL: with an inbox every request counts once, and the same loop sees it without."""

import asyncio
from pathlib import Path
from signal import SIGKILL
from typing import Final

import pytest
from omnibase_infra.embedded import EmbeddedPostgres

from tests.chaos.ledger import counted, counting, expected
from tests.chaos.surviving import KILLS, SLOW, survive
from tools.services.kafka import Kafka

BACKLOG: Final = 5_000
FEW: Final = 1_500


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_request_counts_once_and_is_answered_the_same_again(
    kafka: Kafka, ledger: EmbeddedPostgres, tmp_path: Path
) -> None:
    verdict = survive(kafka, tmp_path, SLOW, backlog=BACKLOG, kills=KILLS, work=counting())
    assert verdict.holds, verdict
    assert verdict.duplicates > 0, "nothing came again: the loop shows nothing"
    assert asyncio.run(counted(ledger.dsn)) == expected(BACKLOG)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(("idempotency", "mutant"), [("none", None), ("inbox", "notes after the effect")])
def test_a_row_outside_the_transaction_or_none_is_caught(
    idempotency: str, mutant: str | None, kafka: Kafka, ledger: EmbeddedPostgres, tmp_path: Path
) -> None:
    treatment = SLOW._replace(mutant=mutant)
    verdict = survive(kafka, tmp_path, treatment, backlog=FEW, kills=[SIGKILL] * 5, work=counting(idempotency))
    counts = asyncio.run(counted(ledger.dsn))
    print(sum(counts.values()), "counted of", FEW)
    assert counts != expected(FEW)
    assert not verdict.holds, verdict
