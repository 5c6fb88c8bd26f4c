"""`onex-host test`: the contract tests of a runtime contract's nodes."""

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from omnibase_infra.cli.command import HostCommand, end_on_signals_with
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.options import contract_argument, embedded_options, host_option, log_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnibase_core.contracts.check_tests import ContractTest
    from omnibase_core.contracts.load import LoadedContract

    from omnibase_infra.cli.testing import Outcome
    from omnibase_infra.telemetry.logs import Levels, LogFormat


@click.command(
    cls=HostCommand,
    epilog="\b\nExamples:\n"
    "  onex-host test contracts/orders/runtime.yaml\n"
    "  onex-host test runtime.yaml tests/store_order.yaml -k duplicate\n"
    "  onex-host test runtime.yaml --host host:OrdersHost --junit report.xml\n"
    "  onex-host test runtime.yaml --record tests/find.yaml find_order id=7 --embedded-postgres",
)
@contract_argument
@click.argument("paths", metavar="[PATH]…", nargs=-1)
@click.option("-k", "words", metavar="TEXT", multiple=True, help="Only tests whose node or name holds TEXT.")
@click.option("--junit", metavar="FILE", type=click.Path(dir_okay=False), help="Write a report as JUnit XML too.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--color/--no-color", default=None, help="With colour, as a terminal has it, or without.")
@click.option(
    "--record",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Call a node, NODE [KEY=VALUE]… in the place of PATH…, and write what happened as a test.",
)
@click.option(
    "--envelope", metavar="ENVELOPE", help="With --record: a file, - or JSON, instead of NODE [KEY=VALUE]…."
)
@click.option("--force", is_flag=True, help="With --record: overwrite the file.")
@embedded_options
@host_option
@log_options("text", "ERROR")
@click.pass_context
def test(
    ctx: click.Context,
    contract: str,
    paths: tuple[str, ...],
    words: tuple[str, ...],
    junit: str | None,
    form: str,
    color: bool | None,
    record: str | None,
    envelope: str | None,
    force: bool,
    embedded_postgres: bool,
    sql_file: str | None,
    host_name: str | None,
    log_format: "LogFormat",
    log_level: "Levels",
) -> None:
    """Run the contract tests of CONTRACT.

    PATH is a file of tests, or a folder of them; by default the folder `tests` beside the contract. Each test runs
    through the host and its handlers' own code, on transports that reach nothing and give the test's answers. The
    exit code is 1 where a contract or a test cannot be run, and 3 where a test fails.

    With --record the real handlers perform one request, effects included, and the test of it is written to FILE.
    """
    end_on_signals_with(ctx, EnumExitCode.DRAIN_INCOMPLETE)
    if record is None and (envelope or force or embedded_postgres or sql_file):
        raise click.UsageError("--envelope, --force, --embedded-postgres and --sql belong to --record")
    from omnibase_infra.cli.hosting import host_class, load, postgres_given
    from omnibase_infra.cli.testing import perform

    loaded = load(contract, log_format, log_level)
    host = host_class(host_name)
    if record is not None:
        from omnibase_infra.cli.recorder import Recorder

        recorder = Recorder(loaded, host, record, force=force)
        request = recorder.request(paths, envelope)
        with postgres_given(loaded, embedded_postgres, sql_file) as given:
            ctx.exit(recorder.record(request, given))
    tests = _chosen(_loaded(contract, loaded, paths), words)
    outcomes = [perform(loaded, test, host) for test in tests]
    _show(outcomes, form, color)
    if junit is not None:
        _write_junit(junit, outcomes)
    failed = any(outcome.wrong for outcome in outcomes)
    ctx.exit(EnumExitCode.ENVELOPE_FAILED if failed else EnumExitCode.OK)


def _loaded(contract: str, loaded: "LoadedContract", paths: "Sequence[str]") -> "list[ContractTest]":
    """The tests of every file. Raises ContractValidationError with the problems of all of them."""
    from omnibase_core.contracts.check_tests import load_tests
    from omnibase_core.errors import ContractValidationError

    from omnibase_infra.config.contract_tests import find_tests
    from omnibase_infra.config.files import read_contract_file

    found = find_tests(contract, paths)
    if not found.files:
        _refuse_without_tests(contract, found.places)
    files = [load_tests(file, read_contract_file, loaded) for file in found.files]
    problems = [problem for file in files for problem in file.problems]
    if any(problem.severity == "error" for problem in problems):
        raise ContractValidationError(problems)
    return [test for file in files for test in file.tests]


def _chosen(tests: "list[ContractTest]", words: "Sequence[str]") -> "list[ContractTest]":
    wanted = [word.lower() for word in words]
    chosen = [test for test in tests if not wanted or any(word in _words_of(test) for word in wanted)]
    if not chosen:
        names = ", ".join(f"'{test.case.name}'" for test in tests[:10])
        raise click.UsageError(
            f"-k: no test's node or name holds {' or '.join(map(repr, words))}. Tests are: {names}"
        )
    return chosen


def _words_of(test: "ContractTest") -> str:
    return f"{test.case.node} {test.case.name}".lower()


def _show(outcomes: "Sequence[Outcome]", form: str, color: bool | None) -> None:
    from omnibase_infra.cli import verdicts

    if form == "json":
        click.echo(verdicts.as_json(outcomes))
        return
    wanted = color if color is not None else sys.stdout.isatty() and "NO_COLOR" not in os.environ
    files = list(dict.fromkeys(outcome.test.section.origin().file.file for outcome in outcomes))
    lines: list[str] = []
    for file in files:
        here = [outcome for outcome in outcomes if outcome.test.section.origin().file.file == file]
        lines.extend([file, *(f"  {verdicts.line_of(outcome)}" for outcome in here)])
    lines.extend(f"\n{verdicts.failure_text(outcome)}" for outcome in outcomes if outcome.wrong)
    click.echo("\n".join([*lines, "", verdicts.summary(outcomes, len(files))]), color=wanted)


def _write_junit(path: str, outcomes: "Sequence[Outcome]") -> None:
    from pathlib import Path

    from omnibase_infra.cli.junit import junit_xml

    Path(path).write_bytes(junit_xml(outcomes))


def _refuse_without_tests(contract: str, places: "Sequence[str]") -> NoReturn:
    raise click.ClickException(
        f"No tests found; looked for *.yaml and *.yml in: {', '.join(places)}\n"
        f"Write one there, or name files and folders: onex-host test {contract} PATH…"
    )
