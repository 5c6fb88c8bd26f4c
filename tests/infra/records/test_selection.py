"""A selection takes what fulfils all its conditions, and reads no more than it must."""

from datetime import timedelta

import pytest
from omnibase_core.errors import NodeNotFoundError
from omnibase_infra.records.dead_letter import dead_letter_of
from omnibase_infra.records.selection import Offsets, Selection
from omnibase_spi.topic_log import Extent, Partition

from tests.infra.records.letters import DEAD, FAILED_AT, give_up, give_up_garbage, log_with

LATER = FAILED_AT + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("selection", "taken"),
    [
        (Selection(), [0, 1, 2]),
        (Selection(codes=frozenset({"NODE_NOT_FOUND"})), [1]),
        (Selection(codes=frozenset({"NODE_NOT_FOUND", "ENVELOPE_VALIDATION_ERROR"})), [1, 2]),
        (Selection(nodes=frozenset({"orders"})), [1]),
        (Selection(keys=frozenset({b"\x00"})), [1]),
        (Selection(partitions=frozenset({1})), []),
        (Selection(offsets=[Offsets(0, 0), Offsets(2, None)]), [0, 2]),
        (Selection(since=LATER), [1]),
        (Selection(until=LATER), [0, 2]),
        (Selection(codes=frozenset({"NODE_NOT_FOUND"}), nodes=frozenset({"node"})), []),
        (Selection(correlation_ids=frozenset({"00000000-0000-0000-0000-000000000001"})), [0]),
    ],
)
def test_every_condition_holds(selection: Selection, taken: list[int]) -> None:
    log = log_with()
    lying = [
        give_up(log, 0),
        give_up(log, 1, error=NodeNotFoundError("orders", ()), node="orders", key=b"\x00", after_minutes=5),
        give_up_garbage(log, 2),
    ]
    letters = [dead_letter_of(record, limit=1_048_576) for record in lying]
    assert [letter.record.offset for letter in letters if selection.takes(letter)] == taken


@pytest.mark.parametrize(
    ("selection", "bounds"),
    [
        (Selection(), [(0, 5, 90), (1, 0, 40)]),
        (Selection(partitions=frozenset({1})), [(1, 0, 40)]),
        (Selection(offsets=[Offsets(10, 20), Offsets(30, 35)]), [(0, 10, 36), (1, 10, 36)]),
        (Selection(offsets=[Offsets(None, 3)]), [(0, 5, 4), (1, 0, 4)]),
        (Selection(offsets=[Offsets(50, None)]), [(0, 50, 90), (1, 50, 40)]),
    ],
)
def test_only_where_it_can_take_something_is_read(
    selection: Selection, bounds: list[tuple[int, int, int]]
) -> None:
    extents = [Extent(Partition(DEAD, 0), 5, 90), Extent(Partition(DEAD, 1), 0, 40)]
    narrowed = [(each.partition.number, each.start, each.end) for each in selection.narrowed(extents)]
    assert narrowed == bounds
