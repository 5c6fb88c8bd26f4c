"""Log lines of the whole process: JSON, one object a line, or readable text for a terminal.

Both go to stderr, because stdout belongs to the data of commands. What stands in `extra` becomes fields.
"""

import json
import logging
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TextIO

from omnibase_core.errors import ProtocolConfigurationError
from pydantic import JsonValue

from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.bounded import bound_logger
from omnibase_infra.telemetry.outlet import Outlet
from omnibase_infra.telemetry.plain import plain_exception, plain_fields, storable

LogFormat = Literal["auto", "json", "text"]

_log: Final = logging.getLogger("onex.logs")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
QUIET_LOGGERS = ("asyncio", "asyncpg", "httpcore", "httpx")

_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonLines(logging.Formatter):
    """One JSON object a line: `timestamp` (RFC 3339, UTC), `level`, `logger`, `event`, `message`, `runtime_id`,
    then what the line says about its envelope and all other extras, then `exception`."""

    def __init__(self, runtime_id: str | None = None) -> None:
        super().__init__()
        self._runtime_id = runtime_id

    def format(self, record: logging.LogRecord) -> str:
        extras = _extras(record)
        fields: dict[str, JsonValue] = {
            "timestamp": _timestamp(record),
            "level": record.levelname,
            "logger": record.name,
            "event": extras.pop("event", None),
            "message": _message(record),
        }
        if runtime_id := extras.pop("runtime_id", self._runtime_id):
            fields["runtime_id"] = runtime_id
        for name, value in extras.items():
            fields[name if name not in fields else f"extra_{name}"] = value
        if error := _error(record):
            fields["exception"] = plain_exception(error)
        return json.dumps(fields, separators=(",", ":"), allow_nan=False)


class ReadableText(logging.Formatter):
    """For people: time, level, logger, message, then `name=value`; further lines of anything are indented."""

    def format(self, record: logging.LogRecord) -> str:
        extras = " ".join(f"{name}={_word(value)}" for name, value in _extras(record).items() if value is not None)
        head = f"{_timestamp(record)} {record.levelname:<8} {record.name}: {_message(record)}"
        text = f"{head} [{extras}]" if extras else head
        if error := _error(record):
            text += "\n" + "".join(traceback.format_exception(error)).rstrip()
        return "\n    ".join(_printable(line) for line in text.split("\n"))


class Levels(NamedTuple):
    """From which level on loggers write. root: of every one that is not named; None says nothing of it."""

    root: str | None = None
    named: Mapping[str, str] = MappingProxyType({})

    def over(self, other: "Levels") -> "Levels":
        """These, and the other ones where these say nothing."""
        return Levels(self.root or other.root, {**other.named, **self.named})


_AS_USUAL: Final = Levels()


class HostLogHandler(logging.StreamHandler[TextIO]):
    """The one handler that `configure_logging` owns, so that it can find and replace its own.

    Never waits for whoever reads a descriptor: dropped says how many lines that has cost.
    """

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__(stream)
        self.named: frozenset[str] = frozenset()
        self._said = 0
        descriptor = _descriptor_of(stream)
        self._outlet = None if descriptor is None else Outlet(descriptor, self._say_dropped)

    @property
    def dropped(self) -> int:
        """Lines that were not written."""
        return 0 if self._outlet is None else self._outlet.dropped

    def emit(self, record: logging.LogRecord) -> None:
        """Writes the line of a record."""
        if self._outlet is None:
            super().emit(record)
            return
        try:
            line = f"{self.format(record)}{self.terminator}".encode("utf-8", "backslashreplace")
        except Exception:  # noqa: BLE001 - as the standard library's handlers do, which say it on stderr
            self.handleError(record)
            return
        self._outlet.write(line)

    def close(self) -> None:
        """Writes what waits, for as long as a second."""
        if self._outlet is not None:
            self._outlet.close()
        super().close()

    def _say_dropped(self) -> None:
        count, self._said = self.dropped - self._said, self.dropped
        if count:
            _log.warning(
                "%d log lines were dropped, since nobody read them",
                count,
                extra={"event": events.LOGS_DROPPED, "dropped": count},
            )


def configure_logging(
    log_format: LogFormat = "auto",
    levels: Levels = _AS_USUAL,
    *,
    stream: TextIO | None = None,
    runtime_id: str | None = None,
) -> Literal["json", "text"]:
    """Sends all log lines and Python warnings to `stream` (stderr), and gives the format that was chosen:
    `auto` is text on a terminal, else JSON.

    Called again, it replaces what it set up before and nothing else. Drivers are heard from WARNING on.
    Raises ProtocolConfigurationError for a format or level that there is none of.
    """
    if log_format not in ("auto", "json", "text"):
        raise ProtocolConfigurationError(f"No log format '{log_format}'; formats are auto, json, text")
    target: TextIO | None = stream or sys.stderr
    handler = HostLogHandler(target)
    readable = log_format == "text" or (log_format == "auto" and target is not None and target.isatty())
    handler.setFormatter(ReadableText() if readable else JsonLines(runtime_id))
    root = logging.getLogger()
    for old in host_handlers():
        handler.named |= old.named
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    set_levels(levels)
    for quiet in QUIET_LOGGERS:
        bound_logger(quiet)
    logging.captureWarnings(True)
    return "text" if readable else "json"


def set_levels(levels: Levels) -> None:
    """Sets these levels in the whole process; a logger that is not named any more follows the root again.

    Drivers are heard from WARNING on unless they are named. Raises ProtocolConfigurationError for a level that is
    none.
    """
    unknown = {levels.root, *levels.named.values()} - {None, *LEVELS}
    if unknown:
        raise ProtocolConfigurationError(f"No log level '{unknown.pop()}'; levels are {', '.join(LEVELS)}")
    root = logging.getLogger()
    root.setLevel(levels.root or "INFO")
    for handler in host_handlers():
        for name in handler.named - levels.named.keys():
            logging.getLogger(name).setLevel(logging.NOTSET)
        handler.named = frozenset(levels.named)
    for quiet in QUIET_LOGGERS:
        logging.getLogger(quiet).setLevel(max(logging.WARNING, root.level))
    for name, level in levels.named.items():
        logging.getLogger(name).setLevel(level)


def host_handlers() -> list[HostLogHandler]:
    """Those that `configure_logging` has set up: one, or none."""
    return [one for one in logging.getLogger().handlers if isinstance(one, HostLogHandler)]


def _descriptor_of(stream: TextIO | None) -> int | None:
    """The stream's descriptor, once what was written to the stream is there; None where it has none."""
    if stream is None:  # stderr was closed before the process began
        return None
    try:
        stream.flush()
        return stream.fileno()
    except (OSError, ValueError):
        return None


def _timestamp(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    try:
        return storable(record.getMessage())
    except (TypeError, ValueError, KeyError, IndexError):
        return f"{storable(str(record.msg))} (its arguments do not fit)"


def _extras(record: logging.LogRecord) -> dict[str, JsonValue]:
    return plain_fields({name: value for name, value in vars(record).items() if name not in _OWN_ATTRIBUTES})


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _word(value: JsonValue) -> str:
    if isinstance(value, str) and value and not set(value) & set(' ="[]'):
        return value
    return json.dumps(value, ensure_ascii=False)
