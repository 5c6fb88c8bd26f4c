"""`onex-host validate`, and the older name that manifests use."""

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner
from omnibase_infra.cli.main import onex_host

from tests.infra.cli.programs import MINIMAL, NODE, contract_in, program, run


def validated(*arguments: str) -> tuple[int, str, str]:
    ended = CliRunner().invoke(onex_host, ["validate", *arguments])
    return ended.exit_code, ended.stdout, ended.stderr


def test_a_sound_contract_is_said_to_be_so(tmp_path: Path) -> None:
    assert validated(contract_in(tmp_path)) == (0, "2 files, 0 problems\n", "")


def test_every_problem_of_every_file_is_shown_with_its_place(tmp_path: Path) -> None:
    runtime = contract_in(
        tmp_path,
        MINIMAL.replace('"http"', '"kafka"').replace('"1.0.0"', '"1.0.0"\n  colour: "red"'),
        calculator=NODE.replace('"EFFECT"', '"AFFECT"'),
    )
    code, stdout, stderr = validated(runtime)
    assert code == 1
    assert stderr.startswith("ContractValidationError: Failed to load contract\n")
    assert f"  File: {runtime}:6:" in stderr
    assert "'kafka'" in stderr
    assert "colour" in stderr
    assert f"  File: {tmp_path}/nodes/calculator.yaml:4:" in stderr
    assert stdout == f"2 files, {stderr.count('  Error: ')} problems\n"
    assert stderr.count("  Error: ") >= 3


def test_lenient_makes_an_unknown_field_a_warning(tmp_path: Path) -> None:
    runtime = contract_in(tmp_path, MINIMAL + "  colour: red\n")
    assert validated(runtime)[0] == 1
    code, stdout, stderr = validated("--lenient", runtime)
    assert (code, stdout) == (0, "2 files, 1 problem (1 warning)\n")
    assert "  Warning: " in stderr


def test_an_unset_variable_is_an_error_unless_the_environment_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CALCULATOR_VERSION", raising=False)
    runtime = contract_in(tmp_path, MINIMAL.replace('"1.0.0"', '"${CALCULATOR_VERSION}"'))
    code, _, stderr = validated(runtime)
    assert code == 1
    assert "CALCULATOR_VERSION" in stderr
    assert validated("--no-env", runtime)[0] == 0
    monkeypatch.setenv("CALCULATOR_VERSION", "1.2.3")
    assert validated(runtime) == (0, "2 files, 0 problems\n", "")


def test_a_folder_is_searched_for_contracts(tmp_path: Path) -> None:
    contract_in(tmp_path)
    (tmp_path / "other.yaml").write_text("just: notes\n")
    assert validated(str(tmp_path))[:2] == (0, "2 files, 0 problems\n")


@pytest.mark.parametrize("name", ["runtme", "Runtime", "host"])
def test_a_contract_whose_first_word_is_misspelt_is_not_passed_over(name: str, tmp_path: Path) -> None:
    runtime = contract_in(tmp_path, MINIMAL.replace("runtime:", f"{name}:"))
    for path in (runtime, str(tmp_path)):
        code, _, stderr = validated(path)
        assert code == 1
        assert f"  File: {runtime}:1:1\n  Error: Unknown field '{name}'\n  Hint: Did you mean 'runtime'?" in stderr


def test_a_misspelt_slug_or_file_is_told_which_file_is_there(tmp_path: Path) -> None:
    runtime = contract_in(tmp_path, MINIMAL.replace('slug: "calculator"', 'slug: "calculater"'))
    assert "  Hint: Did you mean 'calculator'? Tried: " in validated(runtime)[2]
    named = contract_in(
        tmp_path, MINIMAL.replace('"calculator"}', '"calculator", contract: "nodes/calcuator.yaml"}')
    )
    assert "  Hint: Did you mean 'calculator.yaml'? Tried: " in validated(named)[2]
    assert "  Hint: Did you mean 'runtime.yaml'? A path is " in validated(str(tmp_path / "runtim.yaml"))[2]


def test_several_paths_are_checked_in_one_run(tmp_path: Path) -> None:
    runtime = contract_in(tmp_path)
    code, stdout, stderr = validated(runtime, str(tmp_path / "missing.yaml"))
    assert (code, stdout) == (1, "2 files, 1 problem\n")
    assert "missing.yaml" in stderr


def test_a_path_is_required() -> None:
    assert validated()[0] == 2


@pytest.mark.parametrize(
    "content", [b"\x00\xff\xfe", b"{" * 10_000, b"a: &a [*a, *a]\n", b"? !!python/object:os.system x"]
)
def test_garbage_is_a_problem_and_no_crash(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "garbage.yaml").write_bytes(content)
    code, stdout, stderr = validated(str(tmp_path / "garbage.yaml"))
    assert code == 1
    assert stdout.endswith(("problem\n", "problems\n"))
    assert "unexpected" not in stderr


def test_the_program_of_older_manifests_does_the_same(tmp_path: Path) -> None:
    runtime = contract_in(tmp_path)
    assert run("omnibase-runtime-validate-contract", runtime) == (0, "2 files, 0 problems\n", "")
    ended = run("omnibase-runtime-validate-contract", str(tmp_path / "missing.yaml"))
    assert ended.code == 1
    assert ended.stderr.startswith("ContractValidationError: Failed to load contract\n")


def test_relative_paths_are_from_the_current_folder(tmp_path: Path) -> None:
    contract_in(tmp_path)
    assert run("onex-host", "validate", "runtime.yaml", cwd=tmp_path, environment=dict(os.environ)).code == 0


def test_a_reader_that_goes_away_causes_no_traceback(tmp_path: Path) -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "validate", contract_in(tmp_path)), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1
