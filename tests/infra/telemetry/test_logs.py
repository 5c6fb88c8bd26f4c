"""Log lines: what operators and machines read."""

import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import UUID

import pytest
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.secret import Secret
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.logs import (
    QUIET_LOGGERS,
    HostLogHandler,
    JsonLines,
    Levels,
    LogFormat,
    ReadableText,
    configure_logging,
    set_levels,
)

CANARY = "c4n4ry-s3cr3t"
LOG = logging.getLogger("tests.lines")


@pytest.fixture
def logging_restored() -> Iterator[None]:
    """configure_logging is for a whole process: what it changes is put back after a test."""
    loggers = [logging.getLogger(), *map(logging.getLogger, QUIET_LOGGERS)]
    before = [(one, one.level, list(one.handlers)) for one in loggers]
    yield
    logging.captureWarnings(False)
    for one, level, handlers in before:
        one.setLevel(level)
        one.handlers[:] = handlers


@contextmanager
def logging_to(formatter: logging.Formatter) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    LOG.addHandler(handler)
    before, LOG.propagate = LOG.propagate, False
    LOG.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        LOG.propagate = before
        LOG.removeHandler(handler)


def json_line(stream: io.StringIO) -> dict[str, object]:
    text = stream.getvalue()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    line = json.loads(text)
    assert isinstance(line, dict)
    return line


def record(**fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "host", "levelname": "INFO", "msg": "said", "created": 0.1234, **fields})


class TestJsonLines:
    def test_a_line_has_its_time_level_logger_event_and_message(self) -> None:
        line = json.loads(JsonLines("r-1").format(record(event="host.ready")))
        assert line == {
            "timestamp": "1970-01-01T00:00:00.123Z",
            "level": "INFO",
            "logger": "host",
            "event": "host.ready",
            "message": "said",
            "runtime_id": "r-1",
        }

    def test_extras_become_fields(self) -> None:
        line = json.loads(JsonLines().format(record(envelope_id=UUID(int=1), attempts=2, handler_type="db")))
        assert (line["envelope_id"], line["attempts"], line["handler_type"]) == (str(UUID(int=1)), 2, "db")

    def test_an_extra_does_not_replace_a_field_of_the_line(self) -> None:
        line = json.loads(JsonLines().format(record(timestamp="yesterday", level="NONE")))
        assert (line["level"], line["extra_level"], line["extra_timestamp"]) == ("INFO", "NONE", "yesterday")

    @pytest.mark.parametrize("text", ["a\nb", "a\r\nb", "a\u2028b", "a\x85b", "a\x00\x1b[31mb", "\ud800", '"}'])
    def test_no_text_breaks_the_line(self, text: str) -> None:
        with logging_to(JsonLines()) as stream:
            LOG.warning("%s", text, extra={"field": text, text: 1})
        assert len(stream.getvalue().splitlines()) == 1
        assert str(json_line(stream)["message"]).replace("\\ud800", "\ud800") == text

    def test_an_exception_is_a_field_of_fields(self) -> None:
        with logging_to(JsonLines()) as stream:
            try:
                raise ConnectionError("refused\nby all")
            except ConnectionError:
                LOG.exception("it failed")
        told = json_line(stream)["exception"]
        assert isinstance(told, dict)
        assert (told["type"], told["message"], len(told["stack"])) == ("ConnectionError", "refused\nby all", 1)

    def test_exc_info_without_an_exception_adds_nothing(self) -> None:
        with logging_to(JsonLines()) as stream:
            LOG.error("calm", exc_info=True)
        assert "exception" not in json_line(stream)

    @pytest.mark.parametrize(
        ("text", "arguments"), [("%d", ("x",)), ("%s %s", (1,)), ("%(a)s", ({"b": 1},)), ("%", (1,))]
    )
    def test_arguments_that_do_not_fit_lose_no_line(self, text: str, arguments: tuple[object, ...]) -> None:
        with logging_to(JsonLines()) as stream:
            LOG.info(text, *arguments)
        assert json_line(stream)["message"] == f"{text} (its arguments do not fit)"


class TestReadableText:
    def test_a_line_reads_from_left_to_right(self) -> None:
        line = ReadableText().format(record(event="host.ready", nodes=3, note="two words", nothing=None))
        assert line == '1970-01-01T00:00:00.123Z INFO     host: said [event=host.ready nodes=3 note="two words"]'

    def test_further_lines_are_indented_and_control_characters_are_shown(self) -> None:
        line = ReadableText().format(record(msg="one\ntwo\x1b[31m\rthree ü"))
        assert line.splitlines() == ["1970-01-01T00:00:00.123Z INFO     host: one", "    two\\x1b[31m\\rthree ü"]

    def test_an_exception_is_shown_with_its_traceback(self) -> None:
        with logging_to(ReadableText()) as stream:
            try:
                raise ValueError("wrong")
            except ValueError:
                LOG.exception("it failed")
        lines = stream.getvalue().splitlines()
        assert lines[1] == "    Traceback (most recent call last):"
        assert lines[-1] == "    ValueError: wrong"


@pytest.mark.parametrize("formatter", [JsonLines(), ReadableText()])
def test_a_secret_shows_nowhere(formatter: logging.Formatter) -> None:
    secret = Secret(CANARY)
    with logging_to(formatter) as stream:
        try:
            raise ValueError(secret, {"password": secret})
        except ValueError:
            LOG.exception(
                "%s %r %s", secret, secret, {"a": [secret]}, extra={"dsn": secret, "deep": [{"x": secret}]}
            )
    assert "********" in stream.getvalue()
    assert CANARY not in stream.getvalue()


def test_a_line_about_an_envelope_says_which_one_and_whose() -> None:
    request = ModelOnexEnvelope(
        envelope_id=UUID(int=1),
        correlation_id=UUID(int=2),
        target_node="user_service",
        source_node="client",
        operation="http.get",
        payload={"password": CANARY},
        timestamp=datetime(2026, 1, 1, tzinfo=UTC),
    )
    response = request.reply({}, timestamp=request.timestamp, handler_type=EnumHandlerType.HTTP)
    for envelope, handler in ((request, None), (response, "http")):
        line = json.loads(JsonLines().format(record(**events.about(envelope, events.DELIVERY_FAILED))))
        assert line["envelope_id"] == str(envelope.envelope_id)
        assert line["correlation_id"] == str(UUID(int=2))
        assert (line["event"], line["node_id"]) == ("delivery.failed", "user_service")
        assert (line["operation"], line["handler_type"]) == ("http.get", handler)
        assert CANARY not in json.dumps(line)


def test_event_names_are_unique_and_of_one_form() -> None:
    names = [value for name, value in vars(events).items() if name.isupper()]
    assert len(set(names)) == len(names) > 0
    assert all(
        room and what and f"{room}.{what}" == name for name in names for room, _, what in [name.partition(".")]
    )


@pytest.mark.usefixtures("logging_restored")
class TestConfiguration:
    def test_configuring_again_replaces_only_its_own_handler(self) -> None:
        others = [one for one in logging.getLogger().handlers if not isinstance(one, HostLogHandler)]
        streams = [io.StringIO(), io.StringIO()]
        for stream in streams:
            configure_logging("json", stream=stream)
        logging.getLogger("once").info("said")
        assert [stream.getvalue().count("said") for stream in streams] == [0, 1]
        assert [one for one in logging.getLogger().handlers if not isinstance(one, HostLogHandler)] == others

    @pytest.mark.parametrize(
        ("log_format", "terminal", "readable"),
        [("auto", True, True), ("auto", False, False), ("json", True, False), ("text", False, True)],
    )
    def test_auto_is_text_on_a_terminal_and_json_elsewhere(
        self, log_format: LogFormat, terminal: bool, readable: bool
    ) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return terminal

        stream = Terminal()
        configure_logging(log_format, stream=stream, runtime_id="r-1")
        logging.getLogger("any").warning("said")
        assert stream.getvalue().startswith("{") is not readable

    def test_lines_below_the_level_are_not_written(self) -> None:
        stream = io.StringIO()
        configure_logging("text", Levels("WARNING"), stream=stream)
        logging.getLogger("any").info("quiet")
        assert not stream.getvalue()

    @pytest.mark.parametrize("driver", ["httpx", "httpcore.connection", "asyncpg", "asyncio"])
    def test_drivers_are_heard_from_warning_on(self, driver: str) -> None:
        stream = io.StringIO()
        configure_logging("text", Levels("DEBUG"), stream=stream)
        logging.getLogger(driver).info("GET http://user:password@host")
        assert not stream.getvalue()
        logging.getLogger(driver).warning("heard")
        assert "heard" in stream.getvalue()

    def test_a_driver_that_says_the_same_again_and_again_is_bounded(self) -> None:
        stream = io.StringIO()
        configure_logging("text", stream=stream)
        for number in range(100):
            logging.getLogger("asyncio").error("socket.send() raised %d", number)
        assert stream.getvalue().count("socket.send()") == 1

    def test_a_logger_that_is_named_has_its_own_level_and_loses_it_when_it_is_named_no_more(self) -> None:
        stream = io.StringIO()
        configure_logging("text", Levels("ERROR", {"acme": "DEBUG", "httpx": "INFO"}), stream=stream)
        logging.getLogger("acme.part").debug("first")
        assert "first" in stream.getvalue()
        assert logging.getLogger("httpx").level == logging.INFO
        set_levels(Levels("ERROR"))
        logging.getLogger("acme.part").warning("second")
        assert "second" not in stream.getvalue()
        assert logging.getLogger("httpx").level == logging.ERROR

    def test_a_driver_is_never_louder_than_the_host(self) -> None:
        stream = io.StringIO()
        configure_logging("text", Levels("ERROR"), stream=stream)
        logging.getLogger("httpx").warning("quiet")
        assert not stream.getvalue()

    def test_warnings_of_python_become_lines(self) -> None:
        stream = io.StringIO()
        configure_logging("json", stream=stream)
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logging.captureWarnings(False)
            logging.captureWarnings(True)
            warnings.warn("old way", DeprecationWarning, stacklevel=1)
        assert json_line(stream)["logger"] == "py.warnings"

    @pytest.mark.parametrize(("log_format", "level"), [("yaml", "INFO"), ("json", "LOUD"), ("json", "debug")])
    def test_an_unknown_format_or_level_is_refused_with_those_there_are(self, log_format: str, level: str) -> None:
        with pytest.raises(ProtocolConfigurationError, match=r"formats are auto|levels are DEBUG"):
            configure_logging(log_format, Levels(level))  # type: ignore[arg-type]  # what a command line may bring


def test_a_process_logs_to_stderr_and_leaves_stdout_to_data() -> None:
    program = (
        "import logging; from omnibase_infra.telemetry.logs import configure_logging\n"
        "configure_logging(runtime_id='r-1'); print('data'); logging.getLogger('host').info('said')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)  # noqa: S603 - our own program
    assert done.stdout == "data\n"
    line = json.loads(done.stderr)
    assert (line["message"], line["runtime_id"]) == ("said", "r-1")


def test_a_closed_stderr_does_not_stop_the_process() -> None:
    program = (
        "import logging, os; from omnibase_infra.telemetry.logs import configure_logging\n"
        "configure_logging(); os.close(2); logging.getLogger('host').info('said'); print('alive')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - our own program
    assert done.stdout == "alive\n"
