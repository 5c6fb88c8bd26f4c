"""From a contract's path to a host: what `run`, `pipe` and `call` do alike. Imported within commands only."""

import asyncio
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Collection, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TypeGuard

import click
from omnibase_core import suggest
from omnibase_core.contracts.handler_config import ModelDbConfig
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.errors import ProtocolConfigurationError, RuntimeHostError
from omnibase_core.problems import ModelProblem
from omnibase_core.secret import Secret

from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.embedded import EmbeddedPostgres
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.logs import Levels, LogFormat, configure_logging, host_handlers
from omnibase_infra.wiring import build_host, resolver_of

_LOG = logging.getLogger("onex.cli")

HostClass = type[BaseRuntimeHostProcess]


def load(path: str, log_format: LogFormat, levels: Levels) -> LoadedContract:
    """The contract, with logging set up for its host: warnings are log lines, errors ContractValidationError."""
    chosen = configure_logging(log_format, levels)
    loaded = load_contract_file(path, os.environ)
    if loaded.runtime is not None:
        configure_logging(log_format, levels, runtime_id=f"{loaded.runtime.name}@{os.uname().nodename}")
    if chosen == "text":
        tell_failed_starts_once()
    for problem in loaded.problems:
        _log_problem(problem, chosen)
    loaded.require()
    return loaded


def tell_failed_starts_once() -> None:
    """Leaves the line of a failed start out of the log, for a command that tells its error as text anyway."""
    for handler in host_handlers():
        handler.addFilter(lambda record: getattr(record, "event", None) != events.HOST_START_FAILED)


def built(loaded: LoadedContract, host: HostClass, *, local: bool) -> BaseRuntimeHostProcess:
    """The host, before its loop runs: making it imports drivers, which reads files."""
    return build_host(loaded, resolver_of(loaded, os.environ), host=host, local=local)


@contextmanager
def postgres_given(loaded: LoadedContract, wanted: bool, sql_file: str | None) -> Iterator[LoadedContract]:
    """The contract, with an embedded PostgreSQL behind every db handler without a dsn where that is wanted.

    sql_file: what the server runs first; a file of SQL is wish enough. Raises ProtocolConfigurationError where no
    server is wanted, and a handler needs it.
    """
    if not wanted and sql_file is None:
        _refuse_without_dsn(loaded)
        yield loaded
        return
    with EmbeddedPostgres() as server:
        if sql_file is not None:
            server.run_sql(Path(sql_file))
        yield with_dsn(loaded, server.dsn)


def with_dsn(loaded: LoadedContract, dsn: str, names: Collection[str] = ()) -> LoadedContract:
    """The contract with this DSN for every db handler that has none, and for those of these names."""
    contract = loaded.require()
    handlers = tuple(
        handler.model_copy(update={"config": handler.config.model_copy(update={"dsn": Secret(dsn)})})
        if isinstance(handler.config, ModelDbConfig) and (handler.config.dsn is None or handler.name in names)
        else handler
        for handler in contract.handlers
    )
    return loaded._replace(runtime=contract.model_copy(update={"handlers": handlers}))


def _refuse_without_dsn(loaded: LoadedContract) -> None:
    for handler in loaded.require().handlers:
        if handler.enabled and isinstance(handler.config, ModelDbConfig) and handler.config.dsn is None:
            raise ProtocolConfigurationError(
                f"Handler '{handler.name}' has no dsn. Add --embedded-postgres, which starts a PostgreSQL for "
                'this run, or name a database in the contract: config: {dsn: {secret_ref: "path#key"}}'
            )


def run_to_its_end(running: Coroutine[object, object, EnumExitCode]) -> EnumExitCode:
    """Runs the loop; CRASHED where it ends in a way that nobody foresaw, with one line in the log.

    Raises RuntimeHostError, which is foreseen: a start that failed, and was logged as such.
    """
    try:
        return asyncio.run(running)
    except (RuntimeHostError, click.ClickException):
        raise
    except Exception as error:  # noqa: BLE001 - the edge of the process: nothing above could still say it
        reason = f"{type(error).__name__}: {error}"
        _LOG.critical(
            "the host crashed: %s",
            reason,
            exc_info=error,
            extra={"event": events.HOST_CRASHED, "reason": reason},
        )
        return EnumExitCode.CRASHED


def abort() -> None:
    """Ends the process at once, for a second signal; nothing more is written or committed."""
    os.write(sys.stderr.fileno(), b"second signal: ended at once\n")
    os._exit(EnumExitCode.DRAIN_INCOMPLETE)


def _log_problem(problem: ModelProblem, log_format: Literal["json", "text"]) -> None:
    """Errors are shown as text by the command; in JSON logs they are lines with fields as well."""
    if problem.severity == "warning" or log_format == "json":
        level = logging.WARNING if problem.severity == "warning" else logging.ERROR
        fields = problem.model_dump(exclude={"message", "severity"}, exclude_none=True)
        _LOG.log(level, "%s", problem.message, extra={"event": events.CONTRACT_PROBLEM, **fields})


def host_class(name: str | None) -> HostClass:
    """The class that `package.module:Class` names, found from the current folder too."""
    if name is None:
        return BaseRuntimeHostProcess
    module_name, colon, class_name = name.partition(":")
    if not (module_name and colon and class_name.isidentifier()):
        raise click.UsageError(f"--host takes package.module:Class, such as orders.host:OrdersHost; got '{name}'")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise _broken(module_name, error) from error
        raise click.UsageError(
            f"--host: no module '{error.name}'; it is looked for in the current folder and the environment"
        ) from None
    except Exception as error:
        raise _broken(module_name, error) from error
    host = getattr(module, class_name, None)
    if not _is_host(host):
        hosts = [
            name for name, value in vars(module).items() if _is_host(value) and value.__module__ == module_name
        ]
        raise click.UsageError(
            f"--host: '{module_name}' has no class '{class_name}' of BaseRuntimeHostProcess. "
            + suggest.hint(class_name, hosts, "Its hosts are")
        )
    return host


def _is_host(value: object) -> TypeGuard[HostClass]:
    return isinstance(value, type) and issubclass(value, BaseRuntimeHostProcess)


def _broken(module_name: str, error: Exception) -> ProtocolConfigurationError:
    return ProtocolConfigurationError(
        f"--host: importing '{module_name}' failed with {described(error)}; correct the module; "
        "--debug shows the way there"
    )


def described(error: Exception) -> str:
    """What an error of a project's own Python is: class, text, and the last line of the current folder in it."""
    said = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())[:300]
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
    inside = [
        f" at {os.path.relpath(file)}:{line}"
        for file, line in places
        if file.startswith(os.getcwd() + os.sep) and "site-packages" not in file
    ]
    at = inside[-1] if inside else ""
    return f"{type(error).__name__}{': ' + said if said else ''}{at}"
