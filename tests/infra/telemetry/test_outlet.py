"""Log lines to a pipe: never waited for, bounded, and what was dropped is said."""

import asyncio
import logging
import os
from collections.abc import Iterator
from io import TextIOWrapper

import pytest
from omnibase_infra.telemetry.logs import HostLogHandler
from omnibase_infra.telemetry.outlet import Outlet

from tests.fakes.waiting import until

_MOST_BYTES = 1024 * 1024


class Pipe:
    """A pipe whose reader reads when it is told to. told: how often there was room again."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)
        self.told = 0
        self.outlet = Outlet(self.writer, self._tell)

    def _tell(self) -> None:
        self.told += 1

    def read(self) -> bytes:
        """What is there."""
        got = b""
        try:
            while chunk := os.read(self.reader, 65_536):
                got += chunk
        except BlockingIOError:
            pass
        return got

    def close(self) -> None:
        """Both ends."""
        for end in (self.reader, self.writer):
            os.close(end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def test_lines_come_out_in_order(pipe: Pipe) -> None:
    for number in range(100):
        pipe.outlet.write(b"%d\n" % number)
    assert pipe.read() == b"".join(b"%d\n" % number for number in range(100))
    assert pipe.outlet.dropped == 0


def test_a_pipe_that_nobody_reads_is_not_waited_for_and_what_waits_is_bounded(pipe: Pipe) -> None:
    line = b"x" * 999 + b"\n"
    for _ in range(5_000):
        pipe.outlet.write(line)
    kept = 5_000 - pipe.outlet.dropped
    assert _MOST_BYTES // 1_000 <= kept <= (_MOST_BYTES + 2 * 65_536) // 1_000


@pytest.mark.asyncio
async def test_the_loop_writes_what_waits_as_soon_as_it_is_read_and_no_line_is_torn(pipe: Pipe) -> None:
    lines = [b"%05d" % number * 2_000 + b"\n" for number in range(50)]  # 10,001 bytes, more than PIPE_BUF
    for line in lines:
        pipe.outlet.write(line)
    got = b""

    def all_read() -> bool:
        nonlocal got
        got += pipe.read()
        return len(got) == sum(map(len, lines))

    await until(all_read)
    assert got == b"".join(lines)
    assert pipe.told == 1 + 5  # those that went out at once, and when the rest had gone


def test_a_reader_that_is_gone_costs_its_lines_and_nothing_else() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    outlet = Outlet(writer, lambda: None)
    outlet.write(b"unread\n")
    outlet.close()
    os.close(writer)
    assert outlet.dropped == 1


def test_the_end_waits_no_longer_than_a_second(pipe: Pipe) -> None:
    for _ in range(200):
        pipe.outlet.write(b"x" * 999 + b"\n")
    pipe.outlet.close()
    assert pipe.outlet.dropped > 100


@pytest.mark.asyncio
async def test_a_handler_says_how_many_lines_were_dropped(pipe: Pipe, caplog: pytest.LogCaptureFixture) -> None:
    stream = TextIOWrapper(os.fdopen(pipe.writer, "wb", closefd=False))
    handler = HostLogHandler(stream)
    record = logging.makeLogRecord({"msg": "x" * 999})
    for _ in range(2_000):
        handler.handle(record)
    dropped = handler.dropped
    assert dropped > 0
    async with asyncio.timeout(10):
        while not caplog.records:
            pipe.read()
            await asyncio.sleep(0.001)
    assert caplog.records[0].getMessage() == f"{dropped} log lines were dropped, since nobody read them"
    handler.close()
    stream.close()
