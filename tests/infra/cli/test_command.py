"""How errors look on the terminal, and which exit codes they have."""

import os
import re
import signal

import click
import pytest
from click.testing import CliRunner
from omnibase_core.errors import (
    ContractValidationError,
    EventBusError,
    HandlerConnectionError,
    ProtocolConfigurationError,
    RuntimeHostError,
    SecretResolutionError,
)
from omnibase_core.problems import ModelProblem
from omnibase_infra.cli.command import HostCommand, HostGroup, counted, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode

PROBLEM = ModelProblem(
    file="contracts/orders/runtime.yaml",
    line=15,
    column=13,
    code="handler_type",
    message="Unknown handler type 'kafka'",
    hint="Valid handler types are: http, db, vault, consul",
    action="Remove or replace the invalid handler type",
)


def failing_with(error: BaseException) -> click.Command:
    @click.command("fails", cls=HostCommand)
    def fails() -> None:
        raise error

    return fails


def test_a_contract_problem_is_shown_exactly_as_specified() -> None:
    ended = CliRunner().invoke(failing_with(ContractValidationError([PROBLEM])))
    assert ended.exit_code == 1
    assert not ended.stdout
    assert ended.stderr == (
        "ContractValidationError: Failed to load contract\n"
        "  File: contracts/orders/runtime.yaml:15:13\n"
        "  Error: Unknown handler type 'kafka'\n"
        "  Hint: Valid handler types are: http, db, vault, consul\n"
        "  Action: Remove or replace the invalid handler type\n"
    )


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (
            ProtocolConfigurationError("Two handlers are named 'db'; rename one"),
            "ProtocolConfigurationError: Two handlers are named 'db'; rename one\n"
            "  Code: PROTOCOL_CONFIGURATION_ERROR\n",
        ),
        (
            SecretResolutionError("1 secret is missing:\n  no secret 'a'"),
            "SecretResolutionError: 1 secret is missing:\n  no secret 'a'\n"
            "  Code: SECRET_RESOLUTION_ERROR\n"
            "  Hint: The contract's `secrets`, or ONEX_SECRETS_DIR, says where secret files are mounted; "
            "/run/secrets by default\n",
        ),
        (
            HandlerConnectionError("No answer"),
            "HandlerConnectionError: No answer\n"
            "  Code: HANDLER_CONNECTION_ERROR\n"
            "  Hint: Check that the server is up and that its address in the contract is right\n",
        ),
        (
            EventBusError("Gone"),
            "EventBusError: Gone\n"
            "  Code: EVENT_BUS_ERROR\n"
            "  Hint: Check the event_bus section of the contract, and that its servers are up\n",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_error_of_ours_is_one_block_with_its_code_and_a_hint(error: RuntimeHostError, shown: str) -> None:
    ended = CliRunner().invoke(failing_with(error))
    assert (ended.exit_code, ended.stderr) == (1, shown)


def test_an_unforeseen_error_is_one_line_and_where_to_report_it() -> None:
    ended = CliRunner().invoke(failing_with(ZeroDivisionError("first\nsecond " + "x" * 1_000)))
    assert ended.exit_code == 1
    line, advice = ended.stderr.splitlines()
    assert line.startswith("fails: unexpected ZeroDivisionError: first second xxx")
    assert len(line) < 400
    assert all(word in advice for word in ("report", "issue tracker", "--version", "--debug"))


def test_an_error_of_the_system_is_no_defect_of_ours() -> None:
    ended = CliRunner().invoke(failing_with(OSError(28, "No space left on device", "/tmp/x")))  # noqa: S108 - a name only
    assert (ended.exit_code, ended.stderr) == (1, "fails: No space left on device: /tmp/x\n")


@pytest.mark.parametrize("error", [ZeroDivisionError("x"), ProtocolConfigurationError("x")])
def test_debug_shows_the_traceback_before_the_text(error: Exception) -> None:
    ended = CliRunner().invoke(failing_with(error), ["--debug"])
    assert ended.exit_code == 1
    assert ended.stderr.startswith("Traceback (most recent call last):\n")
    assert re.search(
        rf"^{type(error).__name__}: x|unexpected {type(error).__name__}: x", ended.stderr, re.MULTILINE
    )


def test_an_interrupt_is_said_without_a_traceback() -> None:
    ended = CliRunner().invoke(failing_with(KeyboardInterrupt()))
    assert (ended.exit_code, ended.stderr.strip()) == (1, "Aborted!")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (click.UsageError("wrong"), 2),
        (click.exceptions.Exit(3), 3),
        (click.FileError("f"), 1),
        (BrokenPipeError(32, "x"), 1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_click_handles_itself_stays_with_click(error: Exception, code: int) -> None:
    ended = CliRunner().invoke(failing_with(error))
    assert ended.exit_code == code
    assert "unexpected" not in ended.stderr


def test_commands_keep_the_order_in_which_they_were_added() -> None:
    group = HostGroup("group", commands={name: click.Command(name) for name in ("run", "call", "validate")})
    assert group.list_commands(click.Context(group)) == ["run", "call", "validate"]


def test_exit_codes_are_those_that_scripts_rely_on() -> None:
    assert {code.name: code.value for code in EnumExitCode} == {
        "OK": 0,
        "NOT_STARTED": 1,
        "USAGE": 2,
        "ENVELOPE_FAILED": 3,
        "DRAIN_INCOMPLETE": 4,
        "BUS_LOST": 5,
        "CRASHED": 6,
    }


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (1_000, "1,000 files")])
def test_counts_read_like_language(number: int, text: str) -> None:
    assert counted(number, "file") == text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("code", [EnumExitCode.OK, EnumExitCode.DRAIN_INCOMPLETE])
def test_a_signal_before_the_host_listens_undoes_the_start_and_is_no_143(
    number: signal.Signals, code: EnumExitCode
) -> None:
    undone: list[str] = []

    @click.command("starts", cls=HostCommand)
    @click.pass_context
    def starts(ctx: click.Context) -> None:
        end_on_signals_with(ctx, code)
        try:
            os.kill(os.getpid(), number)
        finally:
            undone.append("start")

    before = signal.getsignal(number)
    assert CliRunner().invoke(starts).exit_code == code
    assert undone == ["start"]
    assert signal.getsignal(number) is before
