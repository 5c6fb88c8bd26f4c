"""What all commands share: how an error looks on the terminal, `--debug`, did-you-mean, the order of commands."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click

from omnibase_infra.cli.exit_codes import EnumExitCode

if TYPE_CHECKING:
    from omnibase_core.errors import RuntimeHostError

_DEBUG = f"{__name__}.debug"
_LONGEST_LINE = 300
_CLICKS_OWN = (click.ClickException, click.exceptions.Exit, click.Abort, BrokenPipeError)
_HINTS = {
    "SECRET_RESOLUTION_ERROR": (
        "The contract's `secrets`, or ONEX_SECRETS_DIR, says where secret files are mounted; "
        "/run/secrets by default"
    ),
    "HANDLER_CONNECTION_ERROR": "Check that the server is up and that its address in the contract is right",
    "HANDLER_AUTHENTICATION_ERROR": "Check the secret that the handler's config names, and its permissions",
    "EVENT_BUS_ERROR": "Check the event_bus section of the contract, and that its servers are up",
}


class HostCommand(click.Command):
    """A command that does work: its failures end as text on stderr and an exit code, never as a traceback
    that nobody asked for."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        *own, help_option = super().get_params(ctx)
        return [*own, _debug_option(), help_option]

    def invoke(self, ctx: click.Context) -> object:
        with errors_as_text(ctx):
            return super().invoke(ctx)


class HostGroup(click.Group):
    """The commands, in the order in which they were added rather than the alphabet's.

    One that was added by its name alone is the command of that name in its module, which is loaded when the
    command is wanted: a command starts without the others.
    """

    command_class = HostCommand

    def add_module(self, name: str, module: str) -> None:
        """Adds a command by the name that it has in a module too."""
        self.commands[name] = _Elsewhere(name, module)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        command = super().get_command(ctx, cmd_name)
        return command.load() if isinstance(command, _Elsewhere) else command


class _Elsewhere(click.Command):
    """The place of a command that is not loaded."""

    def __init__(self, name: str, module: str) -> None:
        super().__init__(name)
        self._module = module

    def load(self) -> click.Command:
        command: click.Command = getattr(import_module(self._module), str(self.name))
        return command


@contextmanager
def errors_as_text(ctx: click.Context) -> Iterator[None]:
    """Ends the command with exit code 1 on any error, said in one block."""
    try:
        yield
    except _CLICKS_OWN:
        raise
    except Exception as error:  # noqa: BLE001 - the edge of the process: nothing above could still say it
        _end(ctx, error)


def end_on_signals_with(ctx: click.Context, code: EnumExitCode) -> None:
    """Until a host listens for signals itself, SIGTERM and SIGINT end the command with this exit code.

    What was started until then is undone on the way out.
    """

    def end(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(code)

    import signal

    for one in (signal.SIGTERM, signal.SIGINT):
        try:
            before = signal.signal(one, end)
        except ValueError:  # not the main thread, which alone has signals
            return

        def put_back(one: int = one, before: object = before) -> None:
            if signal.getsignal(one) is end:
                signal.signal(one, before)  # type: ignore[arg-type]  # what signal.signal gave, it takes

        ctx.call_on_close(put_back)


def ignore_hangups(ctx: click.Context) -> None:
    """Until a host listens for it, SIGHUP, which would end the process, does nothing."""
    import signal

    try:
        before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    except ValueError:  # as above
        return
    ctx.call_on_close(lambda: signal.signal(signal.SIGHUP, before))


def reap_orphans() -> None:
    """As process 1, which gets the children that others in its container leave, has the kernel reap them."""
    import os
    import signal

    if os.getpid() != 1:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:  # those that have ended by now
            pass


def rendered(error: "RuntimeHostError") -> str:
    """An error as the terminal shows it: its name and message, and unless problems say it all, code and hint."""
    lines = [f"{type(error).__name__}: {error.message}"]
    if error.code != "CONTRACT_VALIDATION_ERROR":
        lines.append(f"  Code: {error.code}")
        if hint := _HINTS.get(error.code):
            lines.append(f"  Hint: {hint}")
    return "\n".join(lines)


def counted(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _end(ctx: click.Context, error: Exception) -> NoReturn:
    from omnibase_core.errors import RuntimeHostError

    if ctx.meta.get(_DEBUG):
        import traceback

        click.echo("".join(traceback.format_exception(error)).rstrip(), err=True)
    if isinstance(error, RuntimeHostError):
        text = rendered(error)
    elif isinstance(error, OSError) and error.strerror:
        text = f"{ctx.command_path}: {error.strerror}{f': {error.filename}' if error.filename else ''}"
    else:
        text = _defect(ctx, error)
    click.echo(text, err=True)
    ctx.exit(EnumExitCode.NOT_STARTED)


def _defect(ctx: click.Context, error: Exception) -> str:
    said = " ".join(str(error).split())[:_LONGEST_LINE]
    return (
        f"{ctx.command_path}: unexpected {type(error).__name__}{': ' + said if said else ''}\n"
        "This is a defect of the host. Please report it in the project's issue tracker, with the line above, "
        "`onex-host --version`, and what the same command prints with --debug."
    )


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_remember_debug,
        help="Show the traceback of an error.",
    )


def _remember_debug(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    ctx.meta[_DEBUG] = ctx.meta.get(_DEBUG, False) or value
