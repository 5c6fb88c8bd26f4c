"""SIGTERM in the middle of slow requests: a real `onex-host pipe`, a real server, and nothing lost in silence."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tests.infra.cli.programs import NODE, contract_in, program

RUNTIME = """\
runtime:
  name: "slow_host"
  version: "1.0.0"
  event_bus: {{kind: "inmemory", config: {{max_inflight_envelopes: {window}}}}}
  handlers: [{{type: "http", config: {{base_url: "{url}", allow_private: ["127.0.0.0/8"]}}}}]
  nodes: [{{slug: "calculator"}}]
"""
WIDE_OUTPUT = NODE.replace(
    '[{name: "status_code", type: "integer"}]',
    '[{name: "status_code", type: "integer"}, {name: "headers", type: "any"}, '
    '{name: "body", type: "any"}, {name: "body_type", type: "string"}]',
)


class SlowServer:
    """Answers what it is asked when the test lets it; counts how often it was asked for each path."""

    def __init__(self) -> None:
        self.asked: dict[str, int] = {}
        self.go = asyncio.Event()

    async def behave(self, request: RecordedRequest, connection: Connection) -> None:
        """Notes the path, and waits."""
        self.asked[request.target] = self.asked.get(request.target, 0) + 1
        await self.go.wait()
        await connection.send(encoded(200, {"path": request.target}))


class Ended(NamedTuple):
    """How the pipe ended: exit code, the line numbers that have a response, what was said on stderr."""

    code: int
    answered: list[int]
    failed: int
    said: str


def line(number: int) -> bytes:
    """The request in this line."""
    request = {
        "envelope_id": str(UUID(int=number)),
        "target_node": "calculator",
        "payload": {"url": f"/{number}"},
        "timestamp": "2026-01-01T00:00:00Z",
        "metadata": {"number": number},
    }
    return json.dumps(request).encode() + b"\n"


@asynccontextmanager
async def pipe_of(
    folder: Path, url: str, *options: str, window: int = 100
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running `onex-host pipe`."""
    contract = contract_in(folder, RUNTIME.format(url=url, window=window), calculator=WIDE_OUTPUT)
    process = await asyncio.create_subprocess_exec(
        *program("onex-host", "pipe", contract, *options),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**24,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def write(process: asyncio.subprocess.Process, lines: range) -> None:
    """Writes the lines into the pipe, and leaves it open."""
    assert process.stdin is not None
    process.stdin.write(b"".join(line(number) for number in lines))
    await process.stdin.drain()


async def ended(process: asyncio.subprocess.Process) -> Ended:
    """Waits for the end, with standard input left open until then."""
    assert process.stdout is not None
    assert process.stderr is not None
    async with asyncio.timeout(60):
        out, err, _ = await asyncio.gather(process.stdout.read(), process.stderr.read(), process.wait())
    responses = [json.loads(text) for text in out.splitlines()]
    assert process.returncode is not None
    return Ended(
        process.returncode,
        sorted(response["metadata"]["number"] for response in responses),
        sum(not response["success"] for response in responses),
        err.decode(),
    )


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_everything_that_was_read_is_answered_and_nothing_twice(tmp_path: Path, number: int) -> None:
    slow = SlowServer()
    async with HttpServer(slow.behave) as server, pipe_of(tmp_path, server.url) as process:
        await write(process, range(1, 151))
        await server.wait_for(lambda: len(server.requests) == 100, within_s=30)
        process.send_signal(number)
        slow.go.set()
        end = await ended(process)
    assert end.code == 0, end.said
    assert end.answered == list(range(1, 151))
    assert end.failed == 0
    assert set(slow.asked.values()) == {1}
    assert "150 envelopes: 150 succeeded, 0 failed, stopped by a signal" in end.said


@pytest.mark.asyncio
async def test_of_a_long_input_a_whole_beginning_is_answered_and_the_rest_is_not_read(tmp_path: Path) -> None:
    slow = SlowServer()
    async with HttpServer(slow.behave) as server, pipe_of(tmp_path, server.url, "--ordered") as process:
        writing = asyncio.create_task(write(process, range(1, 2_001)))
        await server.wait_for(lambda: len(server.requests) == 100, within_s=30)
        process.send_signal(signal.SIGTERM)
        slow.go.set()
        end = await ended(process)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    assert end.answered == list(range(1, len(end.answered) + 1))
    assert 100 <= len(end.answered) < 2_000
    assert end.failed == 0
    # The line in whose middle reading stopped is the one that nobody can read again.
    assert (end.code, "1 more given up" in end.said) in {(0, False), (4, True)}
    if end.code:
        assert f"(line {len(end.answered) + 1})" in end.said


@pytest.mark.asyncio
async def test_what_the_grace_is_too_short_for_is_exit_code_4_and_named(tmp_path: Path) -> None:
    slow = SlowServer()
    options = ("--grace", "0.3", "--log-level", "WARNING")
    async with HttpServer(slow.behave) as server, pipe_of(tmp_path, server.url, *options, window=3) as process:
        await write(process, range(1, 11))
        await server.wait_for(lambda: len(server.requests) == 3, within_s=30)
        process.send_signal(signal.SIGTERM)
        end = await ended(process)
        slow.go.set()
    assert end.code == 4, end.said
    assert end.answered == []
    assert "0 envelopes: 0 succeeded, 0 failed, 10 more given up (lines 1-10)" in end.said
    assert len(slow.asked) == 3


@pytest.mark.asyncio
async def test_what_came_in_time_is_written_though_the_rest_is_given_up(tmp_path: Path) -> None:
    slow = SlowServer()

    async def some(request: RecordedRequest, connection: Connection) -> None:
        if int(request.target[1:]) % 2:
            await slow.behave(request, connection)
        else:
            await connection.send(encoded(200, {}))

    options = ("--grace", "0.5")
    async with HttpServer(some) as server, pipe_of(tmp_path, server.url, *options) as process:
        await write(process, range(1, 11))
        await server.wait_for(lambda: len(server.requests) == 10, within_s=30)
        process.send_signal(signal.SIGTERM)
        end = await ended(process)
        slow.go.set()
    assert end.code == 4
    assert end.answered == [2, 4, 6, 8, 10]
    assert "5 more given up (lines 1, 3, 5, 7, 9)" in end.said
