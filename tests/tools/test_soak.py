"""The soak sees what grows, and nothing else; its picture can be read."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.soak.__main__ import main
from tools.soak.plot import drawn
from tools.soak.samples import Sample, judged

SHORT = ["--seconds", "9", "--every", "0.25", "--rate", "100", "--lag-ms", "10000"]


def run(seconds: int, **slopes: float) -> list[Sample]:
    """Samples, one a second, of a host that serves 100 a second; slopes: of figures, for a second."""
    still = Sample(0.0, 60.0, 20.0, 30.0, 1.0, 2.0, 0.0, 0.0)
    return [
        still._replace(
            at=float(at),
            served=100.0 * at,
            **{name: getattr(still, name) + at * by for name, by in slopes.items()},
        )
        for at in range(seconds)
    ]


def wrong(samples: list[Sample]) -> list[str]:
    """The verdicts that do not hold."""
    return [verdict.name for verdict in judged(samples, 100.0, 50.0) if not verdict.holds]


@pytest.mark.slow
def test_a_leak_of_memory_descriptors_and_tasks_is_found_in_seconds(tmp_path: Path) -> None:
    found, plot = tmp_path / "found.json", tmp_path / "plot.svg"
    leaking = ["--host", "tests.tools.leaking:LeakingHost", "--json", str(found), "--plot", str(plot)]
    assert main([*SHORT, *leaking]) == 1
    verdicts = json.loads(found.read_text())
    assert {name for name, verdict in verdicts.items() if not verdict["holds"]} >= {"rss", "fds", "tasks"}
    assert verdicts["threads"]["holds"]
    ElementTree.parse(plot)  # noqa: S314 - our own file


@pytest.mark.slow
def test_a_host_that_is_sound_grows_nothing_blocks_nowhere_and_starts_no_thread(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    main([*SHORT, "--host", "tests.fakes.watched:WatchedSteadyHost", "--json", str(found)])
    verdicts = json.loads(found.read_text())
    assert [name for name in ("rss", "fds", "tasks", "threads", "failed") if not verdicts[name]["holds"]] == []


def test_a_still_host_holds_and_its_beginning_is_not_judged() -> None:
    samples = run(300)
    assert wrong(samples) == []
    beginning = [sample._replace(rss_mb=sample.rss_mb - 50, fds=2.0) for sample in samples[:90]]
    assert wrong([*beginning, *samples[90:]]) == []


@pytest.mark.parametrize(
    ("figure", "an_hour", "name"), [("rss_mb", 3.0, "rss"), ("fds", 1.0, "fds"), ("threads", 0.5, "threads")]
)
def test_hours_find_what_minutes_cannot(figure: str, an_hour: float, name: str) -> None:
    a_second = an_hour / 3_600
    assert name in wrong(run(8 * 3_600, **{figure: a_second}))
    if name != "threads":
        assert wrong(run(120, **{figure: a_second})) == []


def test_what_is_late_or_refused_or_not_served_does_not_hold() -> None:
    late = [sample._replace(lag_ms=80.0 if sample.at % 20 == 0 else 2.0) for sample in run(300)]
    assert wrong(late) == ["lag_p99"]
    assert wrong([sample._replace(served=sample.served / 2) for sample in run(300)]) == ["not_served"]
    assert wrong(run(300, failed=0.1)) == ["failed"]


def test_the_picture_says_which_figure_does_not_hold() -> None:
    samples = run(300, fds=0.1)
    picture = drawn(samples, judged(samples, 100.0, 50.0))
    assert "fds: +" in picture
    assert picture.count("does not hold") == 1
