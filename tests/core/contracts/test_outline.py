"""The outline of a node contract says yes where its model finds no fault; so both ways of validation agree."""

import copy
import json
import subprocess
import sys
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.contracts.fields import FieldDeclarationError
from omnibase_core.contracts.load import load_node
from omnibase_core.contracts.node import MappingDeclarationError, ModelNodeContract
from omnibase_core.contracts.node_file import validate_node_file
from omnibase_core.contracts.outline import is_sound
from omnibase_core.contracts.source import Path, YamlValue
from pydantic import ValidationError

from tests.core.contracts.contracts_on_hand import reader_of
from tests.core.contracts.test_contract_fuzz import NODE
from tests.core.contracts.test_mapping_fuzz import TEXTS, paths

CONTRACTS: Final[tuple[YamlValue, ...]] = (NODE, *(yaml.safe_load(text) for text in TEXTS))
CHANGES: Final[tuple[object, ...]] = (
    *(None, True, 7, 1.5, "", "text", "http", "db.query", "COMPUTE", "EFFECT", "answer", "x" * 64),
    *([], ["text"], [7], ["http.get", "http.get"], ["http.get", "http.post"], [None], {}, {"text": "text"}),
)
DAMAGES: Final = [
    (number, path, change)
    for number, contract in enumerate(CONTRACTS)
    for path in paths(contract)
    for change in (..., "renamed", "doubled", *CHANGES)
]


def damaged(number: int, path: Path, change: object) -> YamlValue:
    """A contract with another value at a place, without it (`...`), renamed, or with one more beside."""
    contract = copy.deepcopy(CONTRACTS[number])
    holder: Any = contract
    for part in path[:-1]:
        holder = holder[part]
    if change in ("renamed", "doubled") and isinstance(holder, dict):
        name = str(path[-1])
        holder[f"{name}x"] = holder.pop(name) if change == "renamed" else holder[name]
    elif change is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = change
    return contract


def has_the_shape(contract: YamlValue) -> bool:
    """What the model says; its models and mappings are another matter."""
    try:
        ModelNodeContract.model_validate_json(json.dumps(contract), strict=True)
    except ValidationError:
        return False
    except (FieldDeclarationError, MappingDeclarationError):
        return True
    return True


@pytest.mark.parametrize("number", range(len(CONTRACTS)))
def test_the_outline_says_what_the_model_says_of_every_damage(number: int) -> None:
    here = [(path, change) for each, path, change in DAMAGES if each == number]
    wrong = [
        (path, change)
        for path, change in here
        if is_sound(value := damaged(number, path, change)) is not has_the_shape(value)
    ]
    assert wrong == []
    assert is_sound(CONTRACTS[number])
    assert len({is_sound(damaged(number, *each)) for each in here}) == 2


@given(st.sampled_from(DAMAGES), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_file_has_the_same_problems_whether_its_model_is_wanted_or_not(
    damage: tuple[int, Path, object], lenient: bool
) -> None:
    read = reader_of({"node.yaml": yaml.safe_dump(damaged(*damage), sort_keys=False, allow_unicode=True)})
    problems = validate_node_file("node.yaml", read, lenient=lenient)
    assert problems == load_node("node.yaml", read, lenient=lenient).problems


_PROGRAM: Final = """
import sys
from omnibase_core.contracts.node_file import validate_node_file
problems = validate_node_file("node.yaml", lambda path: sys.argv[1].encode())
print(len(problems), "pydantic" in sys.modules, "jmespath" in sys.modules)
"""


def loaded_for(contract: YamlValue) -> list[str]:
    """How many problems a fresh interpreter finds, and whether it needed pydantic and jmespath for that."""
    text = yaml.safe_dump(contract, sort_keys=False)
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM, text], capture_output=True, text=True, timeout=30, check=True
    )
    return ended.stdout.split()


def test_a_sound_file_needs_no_model_and_the_expression_language_only_where_it_has_a_mapping() -> None:
    assert loaded_for(CONTRACTS[0]) == ["0", "False", "False"]
    assert loaded_for(CONTRACTS[1]) == ["0", "False", "True"]


def test_a_file_with_a_fault_in_its_shape_is_told_about_by_its_model() -> None:
    assert loaded_for(damaged(0, ("on_failure",), "text")) == ["1", "True", "False"]
