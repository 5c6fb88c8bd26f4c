"""Progress is a set of offsets, whatever the order in which they come, and survives being kept."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.errors import EventBusError
from omnibase_infra.records.progress import MAX_TEXT, Progress, ProgressTooScatteredError, progress_of
from omnibase_spi.topic_log import Note

RANGES = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 12)), max_size=40)


@given(RANGES)
def test_it_is_a_set_of_offsets_that_survives_being_kept(ranges: list[tuple[int, int]]) -> None:
    progress, model = Progress(), set[int]()
    for first, length in ranges:
        progress.add_range(first, first + length)
        model.update(range(first, first + length))
    kept = progress_of(progress.note())
    for each in (progress, kept):
        assert [offset for offset in range(140) if offset in each] == sorted(model)
        assert each.floor == next(offset for offset in range(200) if offset not in model)


def test_what_it_would_be_with_more_leaves_it_as_it_is() -> None:
    progress = Progress()
    progress.add(5)
    assert 7 in progress.with_all([7])
    assert 7 not in progress


def test_without_holes_it_is_an_offset_alone() -> None:
    progress = Progress()
    progress.add_range(0, 1_000_000)
    assert progress.note() == Note(1_000_000, "")


def test_thousands_of_pieces_fit() -> None:
    drawn = random.Random(7)  # noqa: S311 - a pattern, no secret
    progress = Progress()
    for offset in range(1, 6_000):
        if drawn.random() < 0.3:
            progress.add(offset)
    note = progress.note()
    assert len(note.text) <= MAX_TEXT
    assert progress_of(note).note() == note


def test_what_does_not_fit_is_refused_with_the_way_out() -> None:
    drawn = random.Random(7)  # noqa: S311 - a pattern, no secret
    progress = Progress()
    for _ in range(20_000):
        progress.add(drawn.randrange(1, 10**9))
    with pytest.raises(ProgressTooScatteredError, match="without filters"):
        progress.note()


@pytest.mark.parametrize(
    "text", ["x", "onex1:", "onex1:!", "onex1:AAAA", "onex1:eJwzAAAAMQAx", "onex1:eJwz0DHQMdQBAAWmAV0="]
)
def test_a_note_of_somebody_else_is_refused(text: str) -> None:
    with pytest.raises(EventBusError, match="another program"):
        progress_of(Note(3, text))
