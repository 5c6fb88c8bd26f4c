"""The benchmark is a command: it runs, and writes its rows. How fast anything is, is no test's business."""

import json
from pathlib import Path

import pytest

from tools.bench.__main__ import MEASUREMENTS, main
from tools.bench.report import Goal, Row, as_text, compared

TINY = ["--rounds", "1", "--scale", "0.005"]


def test_each_row_is_written_as_json_with_its_ratio_and_its_bounds(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    assert main(["throughput", "latency", *TINY, "--json", str(file)]) == 0
    rows = {row["name"]: row for row in json.loads(file.read_text())}
    assert {"throughput.loop", "throughput.codec", "latency.p50", "floor.envelopes"} <= set(rows)
    for row in rows.values():
        assert set(row) == {"name", "value", "reference", "ratio", "must", "aim", "better"}
        assert row["value"] > 0
        assert row["reference"] > 0
        assert row["better"] in ("higher", "lower")
    assert (rows["throughput.loop"]["must"], rows["throughput.loop"]["aim"]) == (0.40, 0.60)


@pytest.mark.parametrize("name", [name for name in MEASUREMENTS if name not in ("throughput", "latency")])
def test_every_measurement_runs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, *TINY]) == 0
    assert f"{name}." in capsys.readouterr().out


def test_the_page_of_the_docs_names_the_machine_and_explains_its_rows(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    assert main(["payload", *TINY, "--markdown", str(page)]) == 0
    text = page.read_text()
    assert "Machine: " in text
    assert "| payload.300kb |" in text
    assert "How to read it" in text


def test_a_name_that_nothing_is_measured_under_is_a_mistake_of_use() -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["nothing"])
    assert exit_.value.code == 2


def test_a_ratio_is_the_median_of_the_rounds_and_marked_against_its_bounds() -> None:
    row = compared("x", "/s", [10.0, 30.0, 50.0], [20.0, 50.0, 50.0], Goal(0.5, 0.9, "higher"))
    assert (row.value, row.reference, row.ratio) == (30.0, 50.0, 0.6)
    assert (row.mark, row.missed) == ("pass", False)
    assert "0.60" in as_text([row])


@pytest.mark.parametrize(
    ("ratio", "mark"), [(1.0, "aim"), (1.2, "pass"), (1.5, "MISS")], ids=["aim", "pass", "miss"]
)
def test_where_less_is_better_the_bounds_are_upper_ones(ratio: float, mark: str) -> None:
    assert Row("x", ratio, 1.0, ratio, 1.25, 1.1, "lower", "us").mark == mark


@pytest.mark.parametrize(("ratio", "code"), [(0.3, 1), (0.5, 0)])
def test_only_check_turns_a_missed_bound_into_an_exit_code(
    ratio: float, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = Row("x", ratio, 1.0, ratio, 0.4, 0.6, "higher", "/s")
    monkeypatch.setattr("tools.bench.__main__.MEASUREMENTS", {"x": lambda _: [row]})
    assert main(["x"]) == 0
    assert main(["x", "--check"]) == code
