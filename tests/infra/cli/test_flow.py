"""The window of a pipe: bounded, in any order or in theirs, nothing lost."""

import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

import pytest
from omnibase_core.codec import decode, encode
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError, NodeNotFoundError, RuntimeHostError
from omnibase_infra.cli.flow import WINDOW_BYTES, WINDOW_LINES, Flow
from omnibase_infra.cli.stdio import LineReader, Output
from omnibase_infra.host.client import Reply
from omnibase_infra.host.clock import Clock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CLOCK = Clock(now=lambda: NOW, new_id=lambda: UUID(int=7))
REQUEST = ModelOnexEnvelope(envelope_id=UUID(int=1), target_node="node", timestamp=NOW)
SUCCESS = encode(REQUEST.reply({"error": None}, timestamp=NOW))
FAILURE = encode(REQUEST.failure(NodeNotFoundError("node", []), timestamp=NOW))


class Piped:
    """A flow between two pipes. Submitted lines wait in `submitted` until the test answers them."""

    def __init__(self, *, limit: int = 1_000, ordered: bool = False) -> None:
        self.submitted: list[tuple[bytes, bytes]] = []
        self.flow = Flow(self._submit, limit=limit, ordered=ordered, clock=CLOCK)
        self.told: list[tuple[int, int]] = []
        self._source, self.input = os.pipe2(os.O_NONBLOCK)
        self._output, self._target = os.pipe2(os.O_NONBLOCK)
        self._limit = limit
        self._more = asyncio.Event()

    async def __aenter__(self) -> "Piped":
        self.reader = LineReader(self._source, self._limit)
        self.feeding = asyncio.create_task(self.flow.feed(self.reader))
        self.writing = asyncio.create_task(
            self.flow.write(Output(self._target), lambda *counts: self.told.append(counts))
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in (self.feeding, self.writing):
            task.cancel()
        await asyncio.gather(self.feeding, self.writing, return_exceptions=True)
        for end in (self._source, self._output, self._target, self.input):
            with suppress(OSError):
                os.close(end)

    async def _submit(self, records: Sequence[tuple[bytes, bytes]]) -> None:
        self.submitted += records
        self._more.set()

    def answer(self, number: int, value: bytes = SUCCESS, refusal: RuntimeHostError | None = None) -> None:
        self.flow.take(Reply(str(number).encode(), value, refusal))

    async def settled(self) -> None:
        """Until neither reading nor writing gets any further."""
        for _ in range(50):
            await asyncio.sleep(0)

    async def until_submitted(self, number: int) -> None:
        async with asyncio.timeout(10):
            while len(self.submitted) < number:
                self._more.clear()
                await self._more.wait()

    async def finish(self) -> list[str]:
        """Ends the input, and gives what was written."""
        os.close(self.input)
        await self.feeding
        self.flow.end()
        return await self.written()

    async def written(self) -> list[str]:
        await asyncio.wait_for(self.writing, 5)
        return self.read()

    def read(self) -> list[str]:
        with suppress(BlockingIOError):
            return os.read(self._output, 1_000_000).decode().splitlines()
        return []

    async def send(self, data: bytes) -> None:
        """Writes all of it, as the flow takes it."""
        async with asyncio.timeout(10):
            await Output(self.input).write(data)
        await self.settled()


def outcomes(lines: list[str]) -> list[bool]:
    return [json.loads(line)["success"] for line in lines]


@pytest.mark.asyncio
async def test_a_line_is_submitted_under_its_number_and_blank_ones_are_passed_over() -> None:
    async with Piped() as piped:
        await piped.send(b"first\n\n  \r\nfourth\n")
        assert piped.submitted == [(b"1", b"first"), (b"4", b"fourth")]


@pytest.mark.asyncio
async def test_responses_are_written_as_they_come() -> None:
    async with Piped() as piped:
        await piped.send(b"a\nb\nc\n")
        piped.answer(3)
        await piped.settled()
        assert outcomes(piped.read()) == [True]
        piped.answer(1, FAILURE)
        piped.answer(2)
        assert outcomes(await piped.finish()) == [False, True]
        assert (piped.flow.answered, piped.flow.failed, piped.told[-1]) == (3, 1, (3, 1))


@pytest.mark.asyncio
async def test_ordered_responses_wait_for_those_before_them() -> None:
    async with Piped(ordered=True) as piped:
        await piped.send(b"a\nb\n\nd\n")
        piped.answer(4, FAILURE)
        piped.answer(2)
        await piped.settled()
        assert piped.read() == []
        piped.answer(1)
        assert outcomes(await piped.finish()) == [True, True, False]


@pytest.mark.asyncio
async def test_what_is_no_envelope_is_answered_with_the_number_of_its_line() -> None:
    async with Piped() as piped:
        await piped.send(b"\nbroken\n")
        refusal = EnvelopeValidationError("not JSON at byte 7", offset=7)
        piped.answer(2, b"broken", refusal)
        (line,) = await piped.finish()
    response = decode(line.encode())
    assert (response.envelope_id, response.timestamp) == (UUID(int=7), NOW)
    assert (response.is_response, response.success, response.metadata) == (True, False, {"line": 2})
    assert response.error is not None
    assert (response.error.code, response.error.message) == (refusal.code, "$: not JSON at byte 7")
    assert response.error.details == {"path": "$", "offset": 7}
    assert piped.flow.failed == 1


@pytest.mark.asyncio
async def test_a_line_over_the_limit_is_answered_without_being_submitted() -> None:
    async with Piped(limit=10) as piped:
        await piped.send(b"x" * 5_000 + b"\nshort\n")
        piped.answer(2)
        first, _ = await piped.finish()
    assert piped.submitted == [(b"2", b"short")]
    error = decode(first.encode()).error
    assert error is not None
    assert error.code is EnumErrorCode.PAYLOAD_TOO_LARGE
    assert error.details == {"path": "$"}


@pytest.mark.asyncio
async def test_no_more_lines_are_read_than_the_window_holds() -> None:
    async with Piped() as piped:
        sending = asyncio.create_task(piped.send(b"line\n" * WINDOW_LINES * 2))
        await piped.settled()
        assert len(piped.submitted) == WINDOW_LINES
        piped.answer(1)
        piped.answer(2)
        await piped.settled()
        assert len(piped.submitted) == WINDOW_LINES + 2
        sending.cancel()


@pytest.mark.asyncio
async def test_no_more_bytes_are_read_than_the_window_holds() -> None:
    size = WINDOW_BYTES // 8
    async with Piped(limit=size) as piped:
        sending = asyncio.create_task(piped.send((b"x" * size + b"\n") * 20))
        await piped.until_submitted(8)
        await piped.settled()
        assert len(piped.submitted) == 8
        piped.answer(1)
        await piped.until_submitted(9)
        sending.cancel()


@pytest.mark.asyncio
async def test_what_is_given_up_is_counted_and_what_came_is_still_written() -> None:
    async with Piped(ordered=True) as piped:
        await piped.send(b"a\nb\nc\n")
        piped.answer(3)
        assert piped.flow.give_up() == [1, 2]
        assert outcomes(await piped.written()) == [True]
        piped.answer(1)
        assert (piped.flow.answered, piped.flow.unwritten) == (1, [])


@pytest.mark.asyncio
async def test_lines_that_were_read_and_found_no_room_are_given_up_too() -> None:
    async with Piped() as piped:
        await piped.send(b"x\n" * (WINDOW_LINES + 3) + b"\n" + b"begun")
        assert len(piped.submitted) == WINDOW_LINES
        piped.feeding.cancel()
        await piped.settled()
        assert piped.flow.give_up() == [*range(1, WINDOW_LINES + 4), WINDOW_LINES + 5]


@pytest.mark.asyncio
async def test_lines_in_hand_are_still_submitted_when_reading_has_stopped() -> None:
    async with Piped() as piped:
        await piped.send(b"x\n" * (WINDOW_LINES + 3))
        piped.reader.stop()
        for number in range(1, 4):
            piped.answer(number)
        await piped.until_submitted(WINDOW_LINES + 3)
        await asyncio.wait_for(piped.feeding, 1)
        assert piped.flow.give_up() == list(range(4, WINDOW_LINES + 4))


@pytest.mark.asyncio
async def test_nothing_is_given_up_where_everything_that_was_read_is_answered() -> None:
    async with Piped() as piped:
        await piped.send(b"a\n\n")
        piped.answer(1)
        await piped.settled()
        piped.feeding.cancel()
        await piped.settled()
        assert piped.flow.give_up() == []


@pytest.mark.asyncio
async def test_what_is_answered_and_not_written_is_told_apart_from_what_has_no_answer() -> None:
    async with Piped() as piped:
        await piped.send(b"a\nb\nc\nd\n")
        piped.writing.cancel()
        await piped.settled()
        piped.answer(2)
        piped.answer(1)
        given_up = [*piped.flow.give_up(), *piped.flow.unwritten]
        summary = piped.flow.summary(2.0, given_up, stopped=False)
    assert summary == (
        "2 envelopes: 2 succeeded, 0 failed, 2 more given up (lines 3-4), "
        "2 answered and not written (lines 1-2); 2.0 s, 1 a second"
    )


@pytest.mark.asyncio
async def test_the_end_without_lines_ends_the_writing() -> None:
    async with Piped() as piped:
        assert await piped.finish() == []


@pytest.mark.parametrize(
    ("answered", "failed", "given_up", "stopped", "summary"),
    [
        (0, 0, [], False, "0 envelopes: 0 succeeded, 0 failed; 2.0 s, 0 a second"),
        (1, 1, [], False, "1 envelope: 0 succeeded, 1 failed; 2.0 s, 0 a second"),
        (5_000, 2, [], False, "5,000 envelopes: 4,998 succeeded, 2 failed; 2.0 s, 2,500 a second"),
        (
            4,
            0,
            [2, 5, 6],
            True,
            "4 envelopes: 4 succeeded, 0 failed, 3 more given up (lines 2, 5-6), "
            "stopped by a signal before the end of the input; 2.0 s, 2 a second",
        ),
        (0, 0, [7], False, "0 envelopes: 0 succeeded, 0 failed, 1 more given up (line 7); 2.0 s, 0 a second"),
        (
            0,
            0,
            range(1, 40, 2),
            False,
            "0 envelopes: 0 succeeded, 0 failed, 20 more given up (lines 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, …); "
            "2.0 s, 0 a second",
        ),
    ],
)
def test_the_summary_is_a_sentence(
    answered: int, failed: int, given_up: Sequence[int], stopped: bool, summary: str
) -> None:
    async def submit(_: Sequence[tuple[bytes, bytes]]) -> None:
        raise AssertionError("nothing is read here")

    flow = Flow(submit, limit=1, ordered=False)
    flow.answered, flow.failed = answered, failed
    assert flow.summary(2.0, given_up, stopped=stopped) == summary
