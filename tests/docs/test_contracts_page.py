"""docs/contracts.md: its tables are the models', and its messages those of the validator."""

from collections.abc import Mapping
from typing import Final

import pytest
from omnibase_core.contracts.bindings import ModelCircuitBreaker, ModelEventBusLimits, ModelRetryPolicy
from omnibase_core.contracts.fields import ModelDeclaredModel, ModelField
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHttpConfig
from omnibase_core.contracts.kafka_config import (
    ModelKafkaOptions,
    ModelKafkaSasl,
    ModelKafkaSecurity,
    ModelKafkaTls,
)
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.contracts.operations import operation_table
from omnibase_core.contracts.runtime_host import (
    ModelEventBusEntry,
    ModelHandlerEntry,
    ModelNodeEntry,
    ModelRuntimeEntry,
    ModelTopicNames,
)
from omnibase_core.contracts.scalartypes import SCALARS
from omnibase_core.topics import check_topic
from pydantic import BaseModel

from tests.core.contracts.test_fail_fast import ROWS, load_row
from tests.docs.tables import Row, rows, section, table

PAGE: Final = "contracts.md"
TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "runtime": ModelRuntimeEntry,
    "event_bus": ModelEventBusEntry,
    "event_bus.config": ModelEventBusLimits,
    "event_bus.config.topics": ModelTopicNames,
    "event_bus.config of kafka": ModelKafkaOptions,
    "event_bus.config.security": ModelKafkaSecurity,
    "event_bus.config.security.ssl": ModelKafkaTls,
    "event_bus.config.security.sasl": ModelKafkaSasl,
    "handlers": ModelHandlerEntry,
    "retry_policy": ModelRetryPolicy,
    "circuit_breaker": ModelCircuitBreaker,
    "config of http": ModelHttpConfig,
    "config of db": ModelDbConfig,
    "nodes": ModelNodeEntry,
    "node": ModelNodeContract,
    "io_operations": ModelIoOperation,
    "declared models": ModelDeclaredModel,
    "fields": ModelField,
}
# The loader checks these parts one by one, each by its own model.
CHECKED_APART: Final = {
    "event_bus": "event bus entry",
    "handlers": "list of handler entry",
    "nodes": "list of node entry",
}


@pytest.mark.parametrize("heading", TABLES)
def test_a_table_of_fields_is_its_model(heading: str) -> None:
    expected = rows(TABLES[heading])
    if heading == "runtime":
        expected = [row._replace(takes=CHECKED_APART.get(row.field, row.takes)) for row in expected]
    assert [Row(*cells[:3]) for cells in table(section(PAGE, heading))] == expected


def test_every_field_of_a_host_says_what_it_means_once() -> None:
    silent = [
        f"{heading}: {cells[0]}"
        for heading in TABLES
        if heading != "nodes"
        for cells in table(section(PAGE, heading))
        if not cells[3]
    ]
    assert silent == []


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


def test_the_messages_are_those_of_the_fail_fast_table() -> None:
    expected = []
    for row in ROWS:
        first = load_row(row.folder).problems[0]
        warning = "warning: " if first.severity == "warning" else ""
        expected.append([row.what, f"{warning}{first.message}"])
    written = table(section(PAGE, "What ends a start"))
    assert [list(cells) for cells in written] == [[cell.replace("`", "") for cell in cells] for cells in expected]
