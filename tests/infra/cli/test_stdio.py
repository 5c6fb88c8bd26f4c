"""Lines over descriptors: any split of the input, long lines, slow and vanished readers."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_infra.cli.stdio import Line, LineReader, Output

LIMIT = 1_000


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    """A pipe that does not block, so that the guard against blocking calls sees what it is."""
    ends = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield ends
    finally:
        for end in ends:
            with suppress(OSError):
                os.close(end)


async def lines_of(pieces: list[bytes], limit: int = LIMIT) -> list[Line]:
    """What is read when the pieces arrive one after the other."""
    found: list[Line] = []
    with pipe() as (reading, writing):

        async def write() -> None:
            for piece in pieces:
                os.write(writing, piece)
                await asyncio.sleep(0)
            os.close(writing)

        async def read() -> None:
            async for batch in LineReader(reading, limit).batches():
                found.extend(batch)

        await asyncio.gather(write(), read())
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", []),
        (b"a", [b"a"]),
        (b"a\n", [b"a"]),
        (b"a\nb", [b"a", b"b"]),
        (b"\n\na\n\n", [b"", b"", b"a", b""]),
        (b"a\r\nb\x85c\x0bd\n", [b"a\r", b"b\x85c\x0bd"]),
    ],
)
@pytest.mark.asyncio
async def test_only_a_line_feed_ends_a_line(text: bytes, expected: list[bytes]) -> None:
    assert await lines_of([text] if text else []) == [Line(n, line) for n, line in enumerate(expected, 1)]


@given(st.lists(st.binary(max_size=50).map(lambda data: data.replace(b"x", b"\n")), max_size=20))
def test_lines_do_not_depend_on_how_the_input_was_cut(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    expected = whole.removesuffix(b"\n").split(b"\n") if whole else []
    assert [line.content for line in asyncio.run(lines_of([piece for piece in pieces if piece]))] == expected


@pytest.mark.asyncio
async def test_a_line_over_the_limit_is_cut_behind_it_and_the_next_one_is_whole() -> None:
    pieces = [b"x" * 900] * 30 + [b"\nnext\n"]
    long, following = await lines_of(pieces)
    assert LIMIT < len(long.content) <= LIMIT + 900 + 1
    assert following == Line(2, b"next")


@pytest.mark.asyncio
async def test_a_line_of_exactly_the_limit_is_whole() -> None:
    assert await lines_of([b"x" * LIMIT, b"\n"]) == [Line(1, b"x" * LIMIT)]


@pytest.mark.asyncio
async def test_a_regular_file_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"a\nb\n")
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    try:
        found = [line async for batch in LineReader(descriptor, LIMIT).batches() for line in batch]
    finally:
        os.close(descriptor)
    assert found == [Line(1, b"a"), Line(2, b"b")]


@pytest.mark.asyncio
async def test_reading_can_be_given_up_while_nothing_comes() -> None:
    with pipe() as (reading, _):

        async def read() -> None:
            async for _ in LineReader(reading, LIMIT).batches():
                pass

        task = asyncio.create_task(read())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().remove_reader(reading) is False


@pytest.mark.asyncio
async def test_writing_waits_for_a_slow_reader_and_loses_nothing() -> None:
    data = os.urandom(1_000_000)
    with pipe() as (reading, writing):
        task = asyncio.create_task(Output(writing).write(data))
        received = b""
        while len(received) < len(data):
            try:
                received += os.read(reading, 10_000)
            except BlockingIOError:
                await asyncio.sleep(0)
        await task
    assert received == data


@pytest.mark.asyncio
async def test_writing_to_nobody_is_a_broken_pipe() -> None:
    with pipe() as (reading, writing):
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            await Output(writing).write(b"x")


@pytest.mark.asyncio
async def test_a_reader_that_leaves_while_we_wait_is_a_broken_pipe() -> None:
    with pipe() as (reading, writing):
        task = asyncio.create_task(Output(writing).write(b"x" * 1_000_000))
        await asyncio.sleep(0)
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            await task


@pytest.mark.asyncio
@pytest.mark.parametrize("sent", [b"", b"a\n", b"a\nb"])
async def test_reading_stops_where_it_is_told_to_and_says_which_line_was_begun(sent: bytes) -> None:
    with pipe() as (reading, writing):
        reader = LineReader(reading, LIMIT)
        read: list[Line] = []

        async def collect() -> None:
            async for batch in reader.batches():
                read.extend(batch)

        task = asyncio.create_task(collect())
        if sent:
            os.write(writing, sent)
        for _ in range(5):
            await asyncio.sleep(0)
        reader.stop()
        os.write(writing, b"late\n")
        await asyncio.wait_for(task, 5)
        assert read == ([Line(1, b"a")] if sent else [])
        assert reader.inside_line == (2 if sent.endswith(b"b") else None)
        assert os.read(reading, 100) == b"late\n"
        reader.stop()
