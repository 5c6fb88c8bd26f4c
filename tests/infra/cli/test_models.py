"""`onex-host models`: what it prints, and how a file is held to it."""

from pathlib import Path

from click.testing import CliRunner, Result
from omnibase_infra.cli.main import onex_host

from tests.infra.cli.programs import NODE


def models(*arguments: str) -> Result:
    return CliRunner().invoke(onex_host, ["models", *arguments])


def node_in(folder: Path, text: str = NODE) -> str:
    path = folder / "calculator.yaml"
    path.write_text(text)
    return str(path)


def test_it_prints_a_module_with_the_models(tmp_path: Path) -> None:
    ended = models(node_in(tmp_path))
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "class ModelIn:\n" in ended.stdout
    assert "    status_code: int\n" in ended.stdout
    assert ended.stdout == models(node_in(tmp_path)).stdout


def test_a_file_that_says_the_same_is_fine(tmp_path: Path) -> None:
    contract = node_in(tmp_path)
    (tmp_path / "models.py").write_text(models(contract).stdout)
    ended = models(contract, "--check", str(tmp_path / "models.py"))
    assert (ended.exit_code, ended.output) == (0, "")


def test_a_file_that_has_drifted_is_named(tmp_path: Path) -> None:
    contract = node_in(tmp_path)
    (tmp_path / "models.py").write_text(models(contract).stdout)
    ended = models(node_in(tmp_path, NODE.replace("integer", "number")), "--check", str(tmp_path / "models.py"))
    assert ended.exit_code == 1
    assert "models.py is not what" in ended.stderr


def test_a_contract_with_problems_has_no_models(tmp_path: Path) -> None:
    ended = models(node_in(tmp_path, NODE.replace("integer", "integr")))
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "Unknown type 'integr'" in ended.stderr
