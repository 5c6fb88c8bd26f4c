"""`onex-host validate --format`: problems for machines, and for a person at a terminal."""

import json
import os
import pty
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner
from omnibase_core.problems import ModelProblem
from omnibase_infra.cli.excerpts import excerpt
from omnibase_infra.cli.main import onex_host
from omnibase_infra.cli.reports import github_report, json_report, sarif_report

from tests.infra.cli.programs import MINIMAL, contract_in, program
from tests.infra.cli.sarif import STRUCTURE

FORMATS = ["json", "sarif", "github"]


def validated(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(onex_host, ["validate", *arguments], color="--color" in arguments)
    return ended.exit_code, ended.stdout, ended.stderr


def problem(**changes: object) -> ModelProblem:
    fields = {"file": "a.yaml", "line": 3, "column": 5, "code": "CONTRACT_VALIDATION_ERROR", "message": "Wrong"}
    return ModelProblem.model_validate({**fields, **changes})


@pytest.fixture
def misspelt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, whose runtime contract names a kind that there is not."""
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.chdir(tmp_path)
    contract_in(tmp_path, MINIMAL.replace("inmemory", "inmemry"))
    return tmp_path


@pytest.mark.usefixtures("misspelt")
class TestJson:
    def test_is_a_list_of_objects_with_the_fields_of_a_problem(self) -> None:
        code, stdout, stderr = validated("--format", "json", "runtime.yaml")
        assert (code, stderr) == (1, "")
        assert json.loads(stdout) == [
            {
                "file": "runtime.yaml",
                "line": 4,
                "column": 21,
                "code": "CONTRACT_VALIDATION_ERROR",
                "message": "Unknown kind 'inmemry'",
                "hint": "Did you mean 'inmemory'? Valid are: inmemory, kafka",
                "action": "Replace it by one of these",
                "severity": "error",
            }
        ]

    def test_is_an_empty_list_where_nothing_is_wrong(self, tmp_path: Path) -> None:
        assert validated("--format", "json", contract_in(tmp_path)) == (0, "[]\n", "")


@pytest.mark.usefixtures("misspelt")
class TestSarif:
    def test_has_the_structure_of_the_standard(self) -> None:
        code, stdout, stderr = validated("--format", "sarif", "runtime.yaml", "missing.yaml")
        assert (code, stderr) == (1, "")
        jsonschema.validate(json.loads(stdout), STRUCTURE)

    def test_names_tool_rule_level_message_and_place(self) -> None:
        (run,) = json.loads(validated("--format", "sarif", "runtime.yaml")[1])["runs"]
        driver, (result,) = run["tool"]["driver"], run["results"]
        assert (driver["name"], driver["version"]) == ("onex-host", "0.1.0")
        assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "CONTRACT_VALIDATION_ERROR"
        assert result["level"] == "error"
        assert result["message"]["text"].startswith("Unknown kind 'inmemry'\nDid you mean 'inmemory'?")
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "runtime.yaml", "uriBaseId": "%SRCROOT%"}
        assert place["region"] == {"startLine": 4, "startColumn": 21}

    def test_of_nothing_has_no_results(self, tmp_path: Path) -> None:
        code, stdout, _ = validated("--format", "sarif", contract_in(tmp_path))
        jsonschema.validate(json.loads(stdout), STRUCTURE)
        assert (code, json.loads(stdout)["runs"][0]["results"]) == (0, [])

    @pytest.mark.parametrize(
        ("file", "uri"),
        [
            ("a b/ü.yaml", "a%20b/%C3%BC.yaml"),
            ("./x/../a.yaml", "a.yaml"),
            ("/else/where.yaml", "file:///else/where.yaml"),
            ("\udcff.yaml", "%FF.yaml"),
            ("100%.yaml", "100%25.yaml"),
        ],
    )
    def test_names_files_as_uris(self, file: str, uri: str) -> None:
        report = json.loads(sarif_report([problem(file=file)]))
        jsonschema.validate(report, STRUCTURE)
        location = report["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
        assert location["uri"] == uri
        assert ("uriBaseId" in location) is not uri.startswith("file:")

    def test_leaves_the_region_out_where_a_whole_file_is_meant(self) -> None:
        report = json.loads(sarif_report([problem(line=None, column=None)]))
        assert "region" not in report["runs"][0]["results"][0]["locations"][0]["physicalLocation"]


@pytest.mark.usefixtures("misspelt")
class TestGithub:
    def test_is_one_workflow_command_a_problem(self) -> None:
        code, stdout, stderr = validated("--format", "github", "runtime.yaml")
        assert (code, stderr) == (1, "")
        assert stdout == (
            "::error file=runtime.yaml,line=4,col=21,title=Contract error::Unknown kind 'inmemry'"
            "%0ADid you mean 'inmemory'? Valid are: inmemory, kafka%0AReplace it by one of these\n"
        )

    def test_is_nothing_at_all_where_nothing_is_wrong(self, tmp_path: Path) -> None:
        assert validated("--format", "github", contract_in(tmp_path)) == (0, "", "")

    def test_escapes_what_would_end_a_property_or_a_line(self) -> None:
        written = github_report([problem(file="a,b:c%d.yaml", message="100%,\r\n::error::x: y")])
        assert written == (
            "::error file=a%2Cb%3Ac%25d.yaml,line=3,col=5,title=Contract error::100%25,%0D%0A::error::x: y"
        )

    def test_tells_warnings_apart(self) -> None:
        written = github_report([problem(severity="warning")])
        assert written == "::warning file=a.yaml,line=3,col=5,title=Contract warning::Wrong"

    def test_names_no_line_where_a_whole_file_is_meant(self) -> None:
        assert (
            github_report([problem(line=None, column=None)]) == "::error file=a.yaml,title=Contract error::Wrong"
        )

    def test_names_files_from_the_top_of_the_checkout(
        self, misspelt: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GITHUB_WORKSPACE", str(misspelt.parent))
        assert f"file={misspelt.name}/a.yaml," in github_report([problem()])


@pytest.mark.parametrize("form", FORMATS)
class TestEveryFormat:
    def test_leaves_the_exit_code_as_it_is(self, form: str, misspelt: Path) -> None:
        (misspelt / "runtime.yaml").write_text(MINIMAL + "  colour: red\n")
        assert validated("--format", form, "runtime.yaml")[0] == 1
        assert validated("--format", form, "--lenient", "runtime.yaml")[0] == 0

    @pytest.mark.parametrize("content", [b"\x00\xff", b"{" * 5_000, b"a: &a [*a]\n", b"runtime: \xed\xa0\x80\n"])
    def test_survives_garbage(self, form: str, content: bytes, misspelt: Path) -> None:
        (misspelt / "runtime.yaml").write_bytes(content)
        code, stdout, stderr = validated("--format", form, "runtime.yaml")
        assert (code, stderr) == (1, "")
        assert stdout

    def test_survives_a_file_name_that_is_no_text(self, form: str, misspelt: Path) -> None:
        name = os.fsdecode(b"\xff.yaml")
        (misspelt / name).write_text("runtime: 1\n")
        code, stdout, stderr = validated("--format", form, name)
        assert (code, stderr) == (1, "")
        assert stdout


def test_json_of_no_text_is_json() -> None:
    assert json.loads(json_report([problem(file="\udcff")]))[0]["file"] == "\udcff"


def test_another_format_is_a_usage_error_that_lists_them() -> None:
    code, _, stderr = validated("--format", "sarf", "x.yaml")
    assert code == 2
    assert "'text', 'json', 'sarif', 'github'" in stderr


class TestAtATerminal:
    LINE = '  event_bus: {kind: "inmemry"}'

    def test_the_source_line_stands_below_its_problem_with_a_caret(self, misspelt: Path) -> None:
        (misspelt / "nodes/calculator.yaml").unlink()
        leader, follower = pty.openpty()
        environment = {**os.environ, "NO_COLOR": "1"}
        command = program("onex-host", "validate", "runtime.yaml")
        ended = subprocess.run(command, stdout=follower, stderr=follower, check=False, env=environment)  # noqa: S603 - our own program
        os.close(follower)
        shown = os.read(leader, 65_536).decode().replace("\r\n", "\n")
        os.close(leader)
        assert ended.returncode == 1
        assert f"  Error: Unknown kind 'inmemry'\n    4 | {self.LINE}\n      | {' ' * 20}^\n  Hint: " in shown
        assert "\x1b" not in shown

    @pytest.mark.usefixtures("misspelt")
    def test_color_gives_the_same_anywhere(self) -> None:
        _, _, stderr = validated("--color", "runtime.yaml")
        assert "\x1b[31mError:\x1b[0m Unknown kind" in stderr
        assert f"    4 | {self.LINE}\n" in stderr

    @pytest.mark.usefixtures("misspelt")
    def test_elsewhere_the_text_is_plain(self) -> None:
        _, _, stderr = validated("runtime.yaml")
        assert "\x1b" not in stderr
        assert " | " not in stderr

    def test_a_warning_has_its_line_too(self, misspelt: Path) -> None:
        (misspelt / "runtime.yaml").write_text(MINIMAL + "  colour: red\n")
        code, _, stderr = validated("--lenient", "--color", "runtime.yaml")
        assert code == 0
        assert stderr.startswith("  \x1b[1mFile:")
        assert "    7 |   colour: red\n" in stderr


class TestAnExcerpt:
    def test_puts_the_caret_below_wide_and_combining_characters(self) -> None:
        assert excerpt(["日本: e\u0301x"], 1, 5) == ["    1 | 日本: e\u0301x", "      |       ^"]

    def test_shows_tabs_and_unprintable_characters_as_one_column(self) -> None:
        assert excerpt(["a\tb\u202ec"], 1, 5) == ["    1 | a b?c", "      |     ^"]

    def test_of_a_long_line_is_the_part_around_the_caret(self) -> None:
        shown, caret = excerpt(["x" * 500 + "HERE" + "y" * 500], 1, 501)
        assert shown.startswith("    1 | …xxx")
        assert shown.endswith("…")
        assert shown[caret.index("^") :].startswith("HERE")

    def test_has_a_caret_behind_the_end_of_a_line(self) -> None:
        assert excerpt(["key:"], 1, 99)[1] == "      |     ^"

    @pytest.mark.parametrize("place", [(1, 1), (9, 1)])
    def test_of_an_empty_line_or_beyond_the_end_is_nothing(self, place: tuple[int, int]) -> None:
        assert excerpt(["  "], *place) == []

    @pytest.mark.parametrize(
        "lines",
        [
            ["dsn: canary"],
            ['config: {"password": canary, pool_size: x}'],
            ["headers: {X-Api-Token: canary}"],
            ["base_url: https://user:canary@host"],
            ["api_key: |", "  canary"],
            ["token: 'first", "  canary"],
            ["config:", "  dsn:", "    - canary", "", "    - canary"],
        ],
        ids=lambda lines: lines[0],
    )
    def test_never_shows_a_line_that_may_hold_a_secret(self, lines: list[str]) -> None:
        assert excerpt(lines, len(lines), 1) == []

    def test_shows_what_follows_a_secret(self) -> None:
        assert excerpt(["config:", "  dsn: canary", "  pool_sise: 3"], 3, 3) != []

    @pytest.mark.parametrize("repeated", ["a", "a-", "a ", '"', "x://", ":"])
    def test_of_a_line_of_any_length_takes_no_time(self, repeated: str) -> None:
        began = time.process_time()
        excerpt([repeated * 100_000], 1, 1)
        assert time.process_time() - began < 2
