"""Arguments and options that several commands have."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from omnibase_infra.telemetry.logs import Levels

_Command = TypeVar("_Command", bound=Callable[..., object])


class Seconds(click.FloatRange):
    """A number of seconds; NaN and infinities, which pass as floats, are none."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return seconds


contract_argument = click.argument("contract", metavar="CONTRACT", type=click.Path())

host_option = click.option(
    "--host",
    "host_name",
    metavar="package.module:Class",
    help="An app-specific host, which registers the functions of COMPUTE nodes.",
)


def embedded_options(command: _Command) -> _Command:
    """`--embedded-postgres`, and `--sql`, which means it too."""
    command = click.option(
        "--sql",
        "sql_file",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="SQL that the PostgreSQL of this run begins with, such as a schema; means --embedded-postgres.",
    )(command)
    return click.option(
        "--embedded-postgres",
        is_flag=True,
        help="Start a PostgreSQL for this run, and give it to every db handler that has no dsn.",
    )(command)


grace_option = click.option(
    "--grace",
    "grace_s",
    metavar="SECONDS",
    type=Seconds(0, 86_400),
    default=30.0,
    show_default=True,
    envvar="SHUTDOWN_GRACE_SECONDS",
    show_envvar=True,
    help="After a signal, how long what is in flight may take to finish.",
)


class Listener(click.ParamType[tuple[str | None, int | None]]):
    """`PORT`, `ADDRESS:PORT` or `off`: the address (None for the contract's own) and the port, None for off."""

    name = "listener"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str | None, int | None]:
        if not isinstance(value, str):
            given: tuple[str | None, int | None] = value
            return given
        if value == "off":
            return None, None
        address, _, port = value.rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) <= 65_535):
            self.fail(f"'{value}' is no listener: give PORT, ADDRESS:PORT or off.", param, ctx)
        return address.strip("[]") or None, int(port)


http_option = click.option(
    "--http",
    "listener",
    metavar="[ADDRESS:]PORT|off",
    type=Listener(),
    envvar="ONEX_HTTP",
    show_envvar=True,
    help="Where probes and metrics are served, instead of the contract's observability.http; 0 is any free port.",
)

DEV_ADDRESS = "127.0.0.1"
DEV_PORT = 8642


class DevListener(Listener):
    """`PORT` or `ADDRESS:PORT` with an address of this machine's own: who reaches it may call every node."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str | None, int | None]:
        address, port = super().convert(value, param, ctx)
        address = address or DEV_ADDRESS
        if port is None:
            self.fail("A dev host is talked to over this port; give another, or none for the default.", param, ctx)
        if address not in (DEV_ADDRESS, "::1", "localhost"):
            self.fail(
                f"A dev host listens at loopback only, and '{address}' is none: whoever reaches it may call every "
                f"node. Leave the address out, or give {DEV_ADDRESS}, ::1 or localhost.",
                param,
                ctx,
            )
        return address, port


def shown_address(address: str, port: int) -> str:
    """As it stands in a URL."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


dev_listener_option = click.option(
    "--http",
    "listener",
    metavar="[ADDRESS:]PORT",
    type=DevListener(),
    default=f"{DEV_ADDRESS}:{DEV_PORT}",
    show_default=True,
    envvar="ONEX_DEV_HTTP",
    show_envvar=True,
    help="Where a dev host is, at loopback only; 0 is any free port.",
)

_FORMATS = click.Choice(["auto", "json", "text"])


class LogLevels(click.ParamType["Levels"]):
    """`LEVEL`, `LOGGER=LEVEL`, or several with commas between. default: where only loggers are named."""

    name = "levels"

    def __init__(self, default: str | None) -> None:
        self._default = default

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> "Levels":
        from omnibase_infra.telemetry.logs import LEVELS, Levels

        if isinstance(value, Levels):
            return value
        root, named = self._default, {}
        for part in value.split(","):
            logger, _, level = part.strip().rpartition("=")
            if level.upper() not in LEVELS:
                self.fail(f"'{level}' is no level: give one of {', '.join(LEVELS)}.", param, ctx)
            if logger:
                named[logger] = level.upper()
            else:
                root = level.upper()
        return Levels(root, named)


def log_options(log_format: str, level: str | None) -> Callable[[_Command], _Command]:
    """`--log-format` and `--log-level`, with a command's defaults; a level of None is the contract's."""

    def add(command: _Command) -> _Command:
        command = click.option(
            "--log-level",
            metavar="LEVEL[,LOGGER=LEVEL...]",
            type=LogLevels(level),
            default=level,
            show_default=level or "the contract's, else INFO",
            envvar="ONEX_LOG_LEVEL",
            show_envvar=True,
            help="From which level on to write log lines, of all loggers or of one: DEBUG, INFO, WARNING, ERROR, "
            "CRITICAL.",
        )(command)
        return click.option(
            "--log-format",
            type=_FORMATS,
            default=log_format,
            show_default=True,
            envvar="ONEX_LOG_FORMAT",
            show_envvar=True,
            help="Log lines on stderr; auto is text on a terminal, JSON elsewhere.",
        )(command)

    return add
