"""Arguments and options that several commands have."""

import click

contract_argument = click.argument("contract", metavar="CONTRACT", type=click.Path())

host_option = click.option(
    "--host",
    "host_name",
    metavar="package.module:Class",
    help="An app-specific host, which registers the functions of COMPUTE nodes.",
)

embedded_option = click.option(
    "--embedded-postgres",
    is_flag=True,
    help="Start a PostgreSQL for this run, and give it to every db handler that has no dsn.",
)

grace_option = click.option(
    "--grace",
    "grace_s",
    metavar="SECONDS",
    type=click.FloatRange(0, 86_400),
    default=30.0,
    show_default=True,
    envvar="SHUTDOWN_GRACE_SECONDS",
    show_envvar=True,
    help="After a signal, how long what is in flight may take to finish.",
)

log_format_option = click.option(
    "--log-format",
    type=click.Choice(["auto", "json", "text"]),
    default="auto",
    show_default=True,
    envvar="ONEX_LOG_FORMAT",
    show_envvar=True,
    help="Log lines on stderr: auto is text on a terminal, JSON elsewhere.",
)

LEVELS = click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False)

log_level_option = click.option(
    "--log-level", type=LEVELS, default="INFO", show_default=True, envvar="ONEX_LOG_LEVEL", show_envvar=True
)
quiet_log_level_option = click.option(
    "--log-level", type=LEVELS, default="WARNING", show_default=True, envvar="ONEX_LOG_LEVEL", show_envvar=True
)
