"""The text format, read and compared with Prometheus' own client library."""

import pytest
from omnibase_infra.admin.exposition import counter, gauge, histogram
from omnibase_infra.admin.own_process import own_process
from omnibase_infra.telemetry.meter import Histogram
from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families


def read(text: str) -> list[Metric]:
    """The families of a page."""
    return list(text_string_to_metric_families(text))


@pytest.mark.parametrize(
    "value", ["", "plain", 'quo"ted', "back\\slash", "\\n is no line", "two\nlines", "ünïcode"]
)
def test_the_value_of_a_label_is_read_as_it_was(value: str) -> None:
    [family] = read(gauge("lag", "How late", ("topic", "partition"), [((value, "0"), 2.5)]))
    assert (family.name, family.type, family.documentation) == ("lag", "gauge", "How late")
    [sample] = family.samples
    assert (sample.labels, sample.value) == ({"topic": value, "partition": "0"}, 2.5)


def test_a_counter_is_a_total() -> None:
    [family] = read(counter("calls", "Calls", (), [((), 12_345_678_901)]))
    assert family.type == "counter"
    assert [(sample.name, sample.value) for sample in family.samples] == [("calls_total", 12_345_678_901)]


def test_the_buckets_of_a_histogram_add_up() -> None:
    durations = Histogram()
    for seconds in (0.001, 0.02, 0.02, 99.0):
        durations.observe(seconds)
    [family] = read(histogram("took_seconds", "Duration", ("node",), {("a",): durations}))
    assert family.type == "histogram"
    found = {sample.labels.get("le", sample.name): sample.value for sample in family.samples}
    assert (found["0.005"], found["0.025"], found["10"], found["+Inf"]) == (1, 3, 3, 4)
    assert found["took_seconds_count"] == 4
    assert found["took_seconds_sum"] == pytest.approx(99.041)


def test_what_has_no_sample_is_still_told() -> None:
    assert [(family.name, family.samples) for family in read(gauge("lag", "How late", ("topic",), []))] == [
        ("lag", [])
    ]


def test_the_process_is_told_as_by_the_client_library() -> None:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    theirs = {family.name: family for family in registry.collect()}
    ours = {family.name: family for family in read("".join(own_process()))}
    assert {name: family.type for name, family in ours.items()} == {
        name: family.type for name, family in theirs.items()
    }
    for name in ("process_start_time_seconds", "process_max_fds", "process_virtual_memory_bytes"):
        assert ours[name].samples[0].value == pytest.approx(theirs[name].samples[0].value, rel=0.1), name
