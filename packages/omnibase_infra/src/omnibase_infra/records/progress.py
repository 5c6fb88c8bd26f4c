"""Which records of a partition were dealt with, one by one, in a text that is kept beside an offset.

Everything below `floor` was dealt with; above it, the records of `pieces`. So a replay that takes some of the
dead letters, and another one later that takes others, do not repeat each other's.
"""

import base64
import binascii
import zlib
from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from omnibase_core.errors import EventBusError
from omnibase_spi.topic_log import Note

MAX_TEXT: Final = 4_096
_MARK: Final = "onex1:"
_MAX_PIECES: Final = 100_000


class ProgressTooScatteredError(EventBusError):
    """The records that were dealt with lie in more pieces than can be kept."""

    retryable = False


class Progress:
    """The offsets of one partition that were dealt with."""

    def __init__(self, floor: int = 0, pieces: Iterable[tuple[int, int]] = ()) -> None:
        self._floor = floor
        self._pieces = [[first, end] for first, end in pieces]

    @property
    def floor(self) -> int:
        """The first offset that was not dealt with."""
        return self._floor

    def __contains__(self, offset: object) -> bool:
        """Whether the record with this offset was dealt with."""
        if not isinstance(offset, int) or offset < self._floor:
            return isinstance(offset, int)
        index = bisect_right(self._pieces, offset, key=lambda piece: piece[0]) - 1
        return index >= 0 and offset < self._pieces[index][1]

    def add(self, offset: int) -> None:
        """Remembers a record."""
        self.add_range(offset, offset + 1)

    def with_all(self, offsets: Iterable[int]) -> "Progress":
        """What this would be with these records too."""
        more = Progress(self._floor, ((first, end) for first, end in self._pieces))
        for offset in offsets:
            more.add(offset)
        return more

    def add_range(self, first: int, end: int) -> None:
        """Remembers the records from `first` to before `end`; none may be there."""
        first = max(first, self._floor)
        if end <= first:
            return
        index = bisect_right(self._pieces, first, key=lambda piece: piece[0])
        if index and self._pieces[index - 1][1] >= first:
            index -= 1
            first = self._pieces[index][0]
        last = index
        while last < len(self._pieces) and self._pieces[last][0] <= end:
            end = max(end, self._pieces[last][1])
            last += 1
        self._pieces[index:last] = [[first, end]]
        if first <= self._floor:
            self._floor = self._pieces.pop(0)[1]

    def note(self) -> Note:
        """Floor and pieces as they are kept. Raises ProgressTooScatteredError where they do not fit."""
        steps: list[str] = []
        at = self._floor
        for first, end in self._pieces:
            steps.append(f"{first - at:x},{end - first:x}")
            at = end
        text = ""
        if steps:
            text = _MARK + base64.b64encode(zlib.compress(" ".join(steps).encode(), 9)).decode()
        if len(text) > MAX_TEXT:
            raise ProgressTooScatteredError(
                f"What was replayed lies in {len(steps):,} pieces, which is more than can be remembered; replay "
                "without filters for once, or purge what is replayed"
            )
        return Note(self._floor, text)


def progress_of(note: Note) -> Progress:
    """What a note says. Raises EventBusError for one that somebody else wrote."""
    if not note.text:
        return Progress(note.offset)
    try:
        return Progress(note.offset, _pieces(note))
    except (ValueError, binascii.Error, zlib.error):
        raise EventBusError(
            "What is kept about earlier replays cannot be read: it was written by another program"
        ) from None


def _pieces(note: Note) -> Iterable[tuple[int, int]]:
    if not note.text.startswith(_MARK):
        raise ValueError("no mark")
    expanding = zlib.decompressobj()
    steps = expanding.decompress(base64.b64decode(note.text[len(_MARK) :], validate=True), 32 * _MAX_PIECES)
    at = note.offset
    pieces: list[tuple[int, int]] = []
    for step in steps.decode("ascii").split(" "):
        gap, length = (int(number, 16) for number in step.split(","))
        if gap <= 0 or length <= 0:
            raise ValueError("not in order")
        pieces.append((at + gap, at + gap + length))
        at += gap + length
    return pieces
