"""Each server of a host dies under load: it says what docs/operating.md says, and nothing is lost."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.docs.tables import section
from tests.services import require
from tools.faults.ground import ground
from tools.faults.trials import FAULTS, Views, await_well, broken, views
from tools.services.consul import Consul
from tools.services.kafka import Kafka
from tools.services.vault import Vault

_LIMIT_S: Final = 60.0
WATCHED: Final = (
    "tests.fakes.watched:WatchedHost"  # no thread, no task of a handler, no blocking call, faults or not
)
_SERIES: Final = re.compile(r"(\w+)(?:\{(.*)\})?")
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')


def promised() -> Mapping[str, Sequence[Sequence[str]]]:
    """For each fault the words of its row: of the probe, the metrics, the log and the console."""
    text = section("operating.md", "When a server is down")
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].strip(): [re.findall(r"`([^`]+)`", cell) for cell in row[1:]] for row in rows[1:]}


def above_zero(metrics: str, series: str) -> bool:
    """Whether a sample with this name, and at least these labels, is above 0."""
    found = _SERIES.fullmatch(series)
    assert found is not None
    wanted = set(_LABEL.findall(found[2] or ""))
    return any(
        sample.name == found[1] and wanted <= set(sample.labels.items()) and sample.value > 0
        for family in text_string_to_metric_families(metrics)
        for sample in family.samples
    )


def missing(seen: Views, row: Sequence[Sequence[str]]) -> list[str]:
    """What the host does not say, of all that the row promises."""
    probe, metrics, log, console = row
    parts: Sequence[tuple[Sequence[str], Callable[[str], bool]]] = (
        (probe, lambda words: seen.ready.startswith("503") and words in seen.ready),
        (metrics, lambda series: above_zero(seen.metrics, series)),
        (log, lambda event: f'"event":"{event}"' in seen.log),
        (console, lambda words: words in seen.page),
    )
    return [words for promises, holds in parts for words in promises if not holds(words)]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_each_fault_is_told_as_the_page_says_and_heals_without_a_loss(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "aiokafka")  # the load's own client, while the broker is away
    for service in (Kafka(tmp_path / "k"), Vault(tmp_path / "v"), Consul(tmp_path / "c")):
        require(service)
    rows = promised()
    assert set(rows) == set(FAULTS)
    with ground(tmp_path) as its, its.running(WATCHED) as process:
        await_well(its)
        for name, row in rows.items():
            with broken(its, name) as since:
                deadline = time.monotonic() + _LIMIT_S
                left = [words for words_of_part in row for words in words_of_part]
                while left := [words for words in missing(views(its, since), row) if words in left]:
                    assert time.monotonic() < deadline, f"{name}: the host does not say {left}"
                    time.sleep(0.5)
                assert its.page("/health/live")[0] == 200
            await_well(its)
            print(f"{name}: told, and well again")
        assert its.stop(process) == 0
        assert asyncio.run(its.stored()) == its.expected()


def test_a_promise_that_is_not_kept_is_found() -> None:
    said = Views("503 db is unhealthy", 'm{part="db",status="unhealthy"} 1.0\n', '"event":"a.b"', "Handler db")
    assert missing(said, [["db is"], ['m{part="db"}'], ["a.b"], ["Handler db"]]) == []
    untrue = [["vault is"], ['m{part="vault"}', "n"], ["a.c"], ["Handler vault"]]
    assert missing(said, untrue) == [words for cell in untrue for words in cell]
    assert missing(said._replace(ready="200 db is unhealthy"), [["db is"], [], [], []]) == ["db is"]
