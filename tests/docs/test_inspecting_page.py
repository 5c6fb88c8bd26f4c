"""The page about describe, explain and diff: its tables have the fields and the rules that the code has."""

import re

import pytest
from omnibase_core.contracts.changes import ModelContractChange
from omnibase_core.contracts.compare_node import ENTRY_RULES, NODE_RULES
from omnibase_core.contracts.compare_runtime import BUS_RULES, HANDLER_RULES, TOPIC_RULES
from omnibase_infra.cli import wiring_models
from omnibase_infra.cli.explaining import ModelExplainedStep, ModelExplanation
from omnibase_infra.config import effective
from pydantic import BaseModel

from tests.docs.tables import DOCS, section, table

PAGE = "inspecting.md"
WIRING = (
    wiring_models.ModelWiring,
    wiring_models.ModelBusWiring,
    wiring_models.ModelHandlerWiring,
    wiring_models.ModelNodeWiring,
    wiring_models.ModelModelWiring,
    wiring_models.ModelFieldWiring,
    wiring_models.ModelOperationWiring,
    wiring_models.ModelReach,
    wiring_models.ModelUnset,
)


def named(cells: list[str]) -> list[str]:
    return [name for cell in cells for name in cell.split(", ")]


def tables(heading: str) -> list[list[str]]:
    """The first cells of each table of a section."""
    blocks = re.split(r"\n\n(?=\|)", section(PAGE, heading))
    return [named([row[0] for row in table(block)]) for block in blocks if "|---" in block]


def test_the_wiring_as_json_has_the_fields_of_its_models() -> None:
    rows = table(section(PAGE, "The wiring as JSON"))
    assert [row[1].split(", ") for row in rows] == [list(model.model_fields) for model in WIRING]


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("The wiring as JSON", effective.ModelConfigValue),
        ("The way of one envelope", ModelExplanation),
        ("Bus, handlers and what a host needs", ModelContractChange),
    ],
)
def test_the_last_table_of_a_section_has_the_fields_of_its_model(heading: str, model: type[BaseModel]) -> None:
    assert tables(heading)[-1] == list(model.model_fields)


def test_every_step_of_an_explanation_is_on_the_page() -> None:
    steps = ModelExplainedStep.model_fields["step"].annotation
    assert tables("The way of one envelope")[0] == list(getattr(steps, "__args__", ()))


def test_every_field_with_a_rule_of_its_own_is_on_the_page() -> None:
    text = (DOCS / PAGE).read_text(encoding="utf-8").partition("## What a change breaks")[2]
    rules = {*NODE_RULES, *ENTRY_RULES, *BUS_RULES, *HANDLER_RULES, *TOPIC_RULES}
    assert [name for name in sorted(rules) if f"`{name}`" not in text] == []
