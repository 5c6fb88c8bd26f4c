"""The group: versions, help, completion, misspelled commands, start-up."""

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from omnibase_infra.cli.main import COMMANDS, onex_host

from tests.infra.cli.programs import ENTRY_POINTS, run

PYPROJECT = Path(__file__).parents[3] / "packages/omnibase_infra/pyproject.toml"
SLOW = ("pydantic", "yaml", "httpx", "asyncpg", "asyncio", "omnibase_core.envelope")


def test_version_names_all_three_packages() -> None:
    ended = run("onex-host", "--version")
    assert ended == (0, "omnibase-infra 0.1.0\nomnibase-core 0.4.0\nomnibase-spi 0.3.0\n", "")


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["validate", "--help"], ["completion", "bash"]])
def test_what_needs_no_contract_loads_no_library(arguments: list[str]) -> None:
    program = (
        "import sys; from omnibase_infra.cli.main import onex_host\n"
        f"onex_host.main({arguments}, standalone_mode=False)\n"
        f"print([name for name in {SLOW} if name in sys.modules], file=sys.stderr)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True)  # noqa: S603 - our own program
    assert ended.stderr == "[]\n"


def _commands(group: click.Group, *names: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by its whole name."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from _commands(command, *names, name)
        elif command is not None:
            yield " ".join([*names, name]), command


EVERY = dict(_commands(onex_host))


@pytest.mark.parametrize("name", sorted(EVERY), ids=lambda name: name.replace(" ", "-"))
def test_every_command_has_help_with_an_example_and_a_debug_option(name: str) -> None:
    text = CliRunner().invoke(onex_host, [*name.split(), "--help"], prog_name="onex-host").stdout
    assert "Example" in text
    assert f"onex-host {name} " in text.partition("Example")[2]
    assert "--debug" in text


def test_the_group_says_what_it_is_for_and_shows_an_example() -> None:
    text = CliRunner().invoke(onex_host, ["-h"], prog_name="onex-host").stdout
    assert "Run declarative nodes in one process" in text
    assert "Example" in text


@pytest.mark.parametrize(
    ("arguments", "suggestion"),
    [
        (["validte", "x"], "Did you mean 'validate'?"),
        (["validate", "--no-evn", "x"], "Did you mean '--no-env'?"),
        (["--verison"], "Did you mean '--version'?"),
    ],
)
def test_a_misspelled_command_or_option_is_a_usage_error_with_a_suggestion(
    arguments: list[str], suggestion: str
) -> None:
    ended = CliRunner().invoke(onex_host, arguments)
    assert ended.exit_code == 2
    assert suggestion in ended.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(shell: str) -> None:
    ended = CliRunner().invoke(onex_host, ["completion", shell])
    assert ended.exit_code == 0
    assert f"_ONEX_HOST_COMPLETE={shell}_complete" in ended.stdout


def test_completion_knows_no_other_shell() -> None:
    ended = CliRunner().invoke(onex_host, ["completion", "tcsh"])
    assert ended.exit_code == 2
    assert "'bash', 'zsh', 'fish'" in ended.stderr


def test_the_script_completes_commands() -> None:
    variables = {"_ONEX_HOST_COMPLETE": "bash_complete", "COMP_WORDS": "onex-host val", "COMP_CWORD": "1"}
    assert run("onex-host", environment=variables).stdout == "plain,validate\n"


def test_the_programs_that_are_installed_are_these() -> None:
    scripts = tomllib.loads(PYPROJECT.read_text())["project"]["scripts"]
    assert scripts == {name: f"omnibase_infra.cli.main:{function}" for name, function in ENTRY_POINTS.items()}


def test_every_command_is_one_that_reports_its_errors() -> None:
    from omnibase_infra.cli.command import HostCommand

    strangers = [name for name, command in EVERY.items() if not isinstance(command, HostCommand)]
    assert onex_host.list_commands(click.Context(onex_host)) == list(COMMANDS)
    assert strangers == []
    assert isinstance(onex_host, click.Group)
