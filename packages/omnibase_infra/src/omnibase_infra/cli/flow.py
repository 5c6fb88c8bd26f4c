"""What is between reading and writing in a pipe: a window of bounded size. Imported within the command only.

The window holds what was read and is not yet written out: so many lines, and so many bytes. While it is full
nothing is read, so a slow node, or a slow reader of the responses, slows the input down.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence

from omnibase_core.codec import encode
from omnibase_core.envelope import ModelEnvelopeError, ModelOnexEnvelope
from omnibase_core.errors import PayloadTooLargeError, RuntimeHostError

from omnibase_infra.cli.command import counted
from omnibase_infra.cli.stdio import Line, LineReader, Output
from omnibase_infra.host.client import Reply
from omnibase_infra.host.clock import Clock

Submit = Callable[[Sequence[tuple[bytes, bytes]]], Awaitable[None]]

WINDOW_LINES = 1_000
WINDOW_BYTES = 8 * 1024 * 1024
_RANGES = 10
_SUCCESS_ENDS = b'"error":null}'  # the last field of an encoded envelope, so that responses need no decoding


class Flow:
    """Lines in, responses out. Counts `answered` and `failed` responses.

    submit: takes (key, line) pairs; what comes back for a key is given to `take`. limit: bytes of a line.
    """

    def __init__(self, submit: Submit, *, limit: int, ordered: bool, clock: Clock | None = None) -> None:
        self.answered = 0
        self.failed = 0
        self._submit = submit
        self._limit = limit
        self._ordered = ordered
        self._clock = clock or Clock()
        self._unanswered: set[int] = set()
        self._weights: dict[int, int] = {}
        self._weight = 0
        self._waiting: deque[int] = deque()
        self._order: deque[int] = deque()
        self._held: dict[int, bytes] = {}
        self._out: list[tuple[int, bytes]] = []
        self._ended = False
        self._room = asyncio.Event()
        self._news = asyncio.Event()

    async def feed(self, reader: LineReader) -> None:
        """Submits every line that is not blank, while the window has room."""
        try:
            async for lines in reader.batches():
                waiting = [line for line in lines if line.content.strip()]
                self._waiting.extend(line.number for line in waiting)
                await self._feed(waiting)
        finally:
            if reader.inside_line is not None:
                self._waiting.append(reader.inside_line)

    def take(self, reply: Reply) -> None:
        """Takes the reply to a line."""
        number = int(reply.key)
        if number not in self._unanswered:
            return
        if reply.refusal is None:
            self._finish(number, reply.value, failed=not reply.value.endswith(_SUCCESS_ENDS))
        else:
            self._refuse(number, reply.refusal)

    @property
    def unwritten(self) -> Sequence[int]:
        """The lines that were read, and whose response is not written."""
        return sorted(self._weights)

    def end(self) -> None:
        """No more lines will come."""
        self._ended = True
        self._news.set()

    def give_up(self) -> Sequence[int]:
        """Stops waiting for what is unanswered; gives the numbers of its lines.

        Lines that were read and found no room in the window are among them: nobody could read them again.
        """
        self._out.extend(sorted(self._held.items()))
        self._held.clear()
        unanswered, self._unanswered = self._unanswered, set()
        self._forget(unanswered)
        self.end()
        return sorted((*unanswered, *self._waiting))

    async def write(self, output: Output, told: Callable[[int, int], None]) -> None:
        """Writes responses as they come, until the end; `told` hears after each write."""
        while self._out or self._weights or not self._ended:
            if not self._out:
                self._news.clear()
                await self._news.wait()
                continue
            taken, self._out = self._out, []
            await output.write(b"".join([response + b"\n" for _, response in taken]))
            self._forget([number for number, _ in taken])
            told(self.answered, self.failed)

    def summary(
        self, seconds: float, given_up: Sequence[int], *, stopped: bool, unwritable: str | None = None
    ) -> str:
        """What happened, in a line. given_up: the lines without a response, or whose response is not written.

        unwritable: a clause that says what keeps responses from being written.
        """
        unwritten = self.unwritten
        unanswered = sorted(set(given_up).difference(unwritten))
        parts = [f"{counted(self.answered, 'envelope')}: {self.answered - self.failed:,} succeeded"]
        parts.append(f"{self.failed:,} failed")
        if unanswered:
            parts.append(f"{len(unanswered):,} more given up ({_ranges(unanswered)})")
        if unwritten:
            parts.append(f"{len(unwritten):,} answered and not written ({_ranges(unwritten)})")
        if stopped:
            parts.append("stopped by a signal before the end of the input")
        if unwritable is not None:
            parts.append(unwritable)
        return f"{', '.join(parts)}; {seconds:.1f} s, {self.answered / max(seconds, 0.001):,.0f} a second"

    async def _feed(self, lines: Sequence[Line]) -> None:
        batch: list[tuple[bytes, bytes]] = []
        for line in lines:
            if self._is_full():
                await self._submit(batch)
                batch = []
                await self._until_room()
            self._waiting.popleft()
            if self._admitted(line):
                batch.append((str(line.number).encode(), line.content))
        await self._submit(batch)

    def _admitted(self, line: Line) -> bool:
        """Puts the line into the window; False where it is answered already, because it is too long."""
        self._unanswered.add(line.number)
        self._weights[line.number] = len(line.content)
        self._weight += len(line.content)
        if self._ordered:
            self._order.append(line.number)
        if len(line.content) <= self._limit:
            return True
        message = f"the line has more than {self._limit} bytes, which is the limit of an envelope; send less"
        self._refuse(line.number, PayloadTooLargeError(message))
        return False

    def _refuse(self, number: int, refusal: RuntimeHostError) -> None:
        envelope = ModelOnexEnvelope(
            envelope_id=self._clock.new_id(),
            timestamp=self._clock.now(),
            metadata={"line": number},
            is_response=True,
            success=False,
            error=ModelEnvelopeError.of(refusal),
        )
        self._finish(number, encode(envelope), failed=True)

    def _finish(self, number: int, response: bytes, *, failed: bool) -> None:
        self._unanswered.discard(number)
        self.answered += 1
        self.failed += failed
        self._weight += len(response) - self._weights[number]
        self._weights[number] = len(response)
        if not self._ordered:
            self._out.append((number, response))
        else:
            self._held[number] = response
            while self._order and self._order[0] in self._held:
                first = self._order.popleft()
                self._out.append((first, self._held.pop(first)))
        self._news.set()

    def _forget(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._weight -= self._weights.pop(number)
        self._room.set()

    def _is_full(self) -> bool:
        return len(self._weights) >= WINDOW_LINES or self._weight >= WINDOW_BYTES

    async def _until_room(self) -> None:
        while self._is_full():
            self._room.clear()
            await self._room.wait()


def _ranges(lines: Sequence[int]) -> str:
    """`line 7`, `lines 2, 5-9`; of many ranges the first ten."""
    ranges: list[tuple[int, int]] = []
    for line in lines:
        if ranges and line == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], line)
        else:
            ranges.append((line, line))
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_RANGES]]
    more = ", …" if len(ranges) > _RANGES else ""
    return f"line{'' if len(lines) == 1 else 's'} {', '.join(shown)}{more}"
