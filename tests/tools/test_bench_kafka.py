"""The benchmark on Kafka runs, and leaves the rest of the page alone."""

from pathlib import Path

import pytest

from tools.bench.__main__ import main
from tools.bench.kafka.measure import PARTS, measured
from tools.bench.page import IN_MEMORY, KAFKA, page
from tools.bench.report import Row
from tools.bench.rounds import Effort
from tools.services.kafka import Kafka

TINY = Effort(rounds=1, scale=0.005)


@pytest.mark.parametrize(
    ("part", "row"),
    [
        ("kafka.pipeline", "kafka.cpu_values"),
        ("kafka.keys", "kafka.keys_50"),
        ("kafka.latency", "kafka.p99"),
        ("kafka.group", "kafka.two_hosts"),
        ("kafka.memory", "kafka.growth"),
    ],
)
def test_every_part_measures_on_a_broker(part: str, row: str, kafka: Kafka) -> None:
    found = {each.name: each for each in measured(TINY, kafka, [part])}
    assert found[row].value > 0
    assert found[row].reference > 0


def test_no_part_goes_untested() -> None:
    assert set(PARTS) == {"kafka.pipeline", "kafka.keys", "kafka.latency", "kafka.group", "kafka.memory"}


def test_a_run_in_memory_leaves_what_was_measured_on_kafka(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text(page({KAFKA: "| kafka.wall | 1 |\n", IN_MEMORY: "| old | 1 |\n"}, ""))
    row = Row("throughput.loop", 1.0, 2.0, 0.5, 0.4, None, "higher", "/s")
    monkeypatch.setattr("tools.bench.__main__.MEASUREMENTS", {"throughput": lambda _: [row]})
    assert main(["--markdown", str(file)]) == 0
    text = file.read_text()
    assert "| kafka.wall | 1 |" in text
    assert "| throughput.loop |" in text
    assert "| old |" not in text


def test_a_run_on_kafka_leaves_what_was_measured_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "benchmarks.md"
    file.write_text(page({IN_MEMORY: "| throughput.loop | 1 |\n"}, ""))
    row = Row("kafka.p50", 1.0, 2.0, 0.5, 1.5, None, "lower", "ms")
    monkeypatch.setattr("tools.bench.__main__.kafka", lambda _, names: [row] * len(names))
    assert main(["kafka.latency", "--markdown", str(file)]) == 0
    text = file.read_text()
    assert "| throughput.loop | 1 |" in text
    assert text.count("| kafka.p50 |") == 1
