"""docs/reference.md: every field of every model that a contract file is checked with, and examples that pass."""

import re
from typing import Any, Final

import jsonschema
import pytest
import yaml
from omnibase_core.contracts.bindings import (
    ModelCircuitBreaker,
    ModelRetryPolicy,
    ModelTopics,
)
from omnibase_core.contracts.editor import editor_schema
from omnibase_core.contracts.fields import ModelDeclaredModel, ModelField
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHttpConfig
from omnibase_core.contracts.kafka_config import (
    ModelKafkaBusConfig,
    ModelKafkaSasl,
    ModelKafkaSecurity,
    ModelKafkaTls,
)
from omnibase_core.contracts.load import ModelRuntimeFile
from omnibase_core.contracts.node import ModelIoOperation, ModelNodeContract
from omnibase_core.contracts.runtime_host import (
    ModelEventBusEntry,
    ModelHandlerEntry,
    ModelInMemoryBusConfig,
    ModelNodeEntry,
    ModelRuntimeEntry,
    ModelTopicNames,
)
from omnibase_core.contracts.schema import ContractKind
from pydantic import BaseModel

from tests.docs.tables import DOCS, section, table

PAGE: Final = "reference.md"
MODELS: Final[dict[str, type[BaseModel]]] = {
    "Runtime contract": ModelRuntimeFile,
    "runtime": ModelRuntimeEntry,
    "runtime.event_bus": ModelEventBusEntry,
    "runtime.event_bus.config of inmemory": ModelInMemoryBusConfig,
    "runtime.event_bus.config of inmemory.topics": ModelTopicNames,
    "runtime.event_bus.config of kafka": ModelKafkaBusConfig,
    "runtime.event_bus.config of kafka.topics": ModelTopics,
    "runtime.event_bus.config of kafka.security": ModelKafkaSecurity,
    "runtime.event_bus.config of kafka.security.ssl": ModelKafkaTls,
    "runtime.event_bus.config of kafka.security.sasl": ModelKafkaSasl,
    "runtime.handlers[]": ModelHandlerEntry,
    "runtime.handlers[].retry_policy": ModelRetryPolicy,
    "runtime.handlers[].circuit_breaker": ModelCircuitBreaker,
    "runtime.handlers[].config of http": ModelHttpConfig,
    "runtime.handlers[].config of db": ModelDbConfig,
    "runtime.nodes[]": ModelNodeEntry,
    "Node contract": ModelNodeContract,
    "node: input_model": ModelDeclaredModel,
    "node: input_model.fields[]": ModelField,
    "node: io_operations[]": ModelIoOperation,
}
HEADINGS: Final = re.findall("^##+ (.+)$", (DOCS / PAGE).read_text(), re.MULTILINE)


@pytest.mark.parametrize("heading", MODELS)
def test_a_table_has_every_field_of_its_model_and_whether_it_is_required(heading: str) -> None:
    written = {cells[0]: cells[2] == "required" for cells in table(section(PAGE, heading))}
    assert written == {name: info.is_required() for name, info in MODELS[heading].model_fields.items()}


@pytest.mark.parametrize("heading", HEADINGS)
def test_every_field_says_what_it_takes_what_it_means_and_has_an_example(heading: str) -> None:
    rows = table(section(PAGE, heading))
    assert rows
    assert [cells for cells in rows if len(cells) != 5 or not all(cells)] == []


def test_no_two_headings_are_the_same() -> None:
    assert len(HEADINGS) == len(set(HEADINGS))


@pytest.mark.parametrize("heading", MODELS)
def test_every_example_is_one_that_the_editors_schema_accepts(heading: str) -> None:
    kind: ContractKind = "node" if heading.lower().startswith("node") else "runtime"
    schema: dict[str, Any] = editor_schema(kind)
    model = schema if heading.endswith("contract") else schema["definitions"][MODELS[heading].__name__]
    for field, _, _, _, example in table(section(PAGE, heading)):
        alone = {**model["properties"][field], "definitions": schema["definitions"]}
        jsonschema.Draft7Validator(alone).validate(yaml.safe_load(example))
