"""The benchmark on Kafka runs, and leaves the rest of the page alone."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools.bench.__main__ import main
from tools.bench.kafka.contracts import orders
from tools.bench.kafka.measure import ON_MOCK, PARTS, broker_of, measured, mocked
from tools.bench.page import IN_MEMORY, KAFKA, MOCK, page
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
    found = {each.name: each for each in measured(TINY, broker_of(kafka), [part])}
    assert found[row].value > 0
    assert found[row].reference > 0


@pytest.mark.parametrize(
    ("part", "row"), [("kafka.pipeline", "kafka.cpu_values"), ("kafka.keys", "kafka.keys_50")]
)
def test_the_parts_that_librdkafkas_mock_carries_measure_on_it(part: str, row: str) -> None:
    with mocked() as broker:
        found = {each.name: each for each in measured(TINY, broker, [part])}
    assert found[row].value > 0
    assert found[row].reference > 0


def test_a_part_that_the_mock_does_not_carry_is_a_mistake_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["kafka.memory", "kafka.keys", "--broker", "mock"])
    assert exit_.value.code == 2
    assert "kafka.memory: not on librdkafka's mock" in capsys.readouterr().err


def test_more_than_the_mock_keeps_is_refused_before_it_forgets_the_first_records() -> None:
    with mocked() as broker:
        names = broker.cluster.topics(inputs=1)
        with pytest.raises(ValueError, match="--scale"):
            asyncio.run(broker.cluster.fill(names.input, orders(10_000)))


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


@pytest.mark.parametrize(
    ("broker", "parts", "mine", "other"), [("real", PARTS, KAFKA, MOCK), ("mock", ON_MOCK, MOCK, KAFKA)]
)
def test_a_run_on_a_broker_leaves_what_was_measured_elsewhere_and_said_of_it(
    broker: str, parts: Sequence[str], mine: str, other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "benchmarks.md"
    kept = {IN_MEMORY: "| throughput.loop | 1 |\n", other: "| kafka.p50 | 2 |\n\nSaid by hand.\n"}
    file.write_text(page(kept, ""))
    row = Row("kafka.p50", 1.0, 2.0, 0.5, 1.5, None, "lower", "ms")
    monkeypatch.setattr("tools.bench.__main__.kafka", lambda _, names, on: [row] * len(names) * (on == broker))
    assert main(["kafka", "--broker", broker, "--markdown", str(file)]) == 0
    text = file.read_text()
    assert f"## {mine}\n\nMachine: " in text
    assert text.count("| kafka.p50 | 1 |") == len(parts)
    for section in kept.values():
        assert section in text
