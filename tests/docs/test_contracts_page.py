"""docs/contracts.md: its tables are those of the code."""

from typing import Final

from omnibase_core.contracts.operations import operation_table
from omnibase_core.contracts.scalartypes import SCALARS
from omnibase_core.topics import check_topic

from tests.docs.tables import section, table

PAGE: Final = "contracts.md"


def test_the_operations_are_those_of_the_table() -> None:
    written = {name: fields for name, *fields in table(section(PAGE, "operations"))}
    assert written == {
        name: [", ".join(part) for part in (operation.required, operation.optional, operation.result)]
        for name, operation in operation_table().items()
        if not name.startswith("local.")
    }


def test_the_field_types_are_those_that_can_be_declared() -> None:
    written = {cells[0] for cells in table(section(PAGE, "field types"))}
    assert written == {*SCALARS, "list[T]", "map[T]"}


def test_the_verdicts_on_topics_are_those_of_the_grammar() -> None:
    written = table(section(PAGE, "Topics"))
    assert len(written) == 9
    for topic, verdict in written:
        assert verdict == (check_topic(topic) or "valid")
