"""Contracts compared with damaged ones: whatever loads is noticed, and only problems are raised."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.changes import ModelContractChange
from omnibase_core.contracts.compare import Side, compare, read_side
from omnibase_core.contracts.source import YamlValue
from omnibase_core.errors import ContractValidationError

from tests.core.contracts.contracts_on_hand import reader_of
from tests.core.contracts.test_contract_fuzz import FILES, GARBAGE, PLACES, Damage, Place, text_of

# Left out, these are what they were: they said the default, or what nobody is held to.
SAME_WITHOUT = {
    "schema_version",
    "description",
    "on_failure",
    "runtime.handlers.enabled",
    "input_model.fields.required",
    "io_operations.handler",
}


def side(place: Place | None, damage: Damage) -> Side:
    texts = {
        file: text_of(value, place.path if place is not None and place.file == file else None, damage)
        for file, value in FILES.items()
    }
    return read_side("runtime.yaml", reader_of(texts))


def changes(place: Place, damage: Damage) -> tuple[ModelContractChange, ...] | None:
    """The changes from the good contract to the damaged one; None where that one does not load."""
    try:
        damaged = side(place, damage)
    except ContractValidationError:
        return None
    good = side(None, damage)
    found = compare(good, damaged)
    mirrored = {(change.subject, change.new, change.old) for change in compare(damaged, good)}
    assert {(change.subject, change.old, change.new) for change in found} == mirrored
    return found


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place.file}:{place.name}")
def test_whatever_is_left_out_is_noticed(place: Place) -> None:
    found = changes(place, lambda key, value: [])
    if found is not None:
        assert (found == ()) == (place.name in SAME_WITHOUT)


@given(place=st.sampled_from(PLACES), garbage=GARBAGE)
def test_garbage_never_raises_and_is_noticed_where_it_loads(place: Place, garbage: YamlValue) -> None:
    was: list[YamlValue] = []

    def damage(key: str, value: YamlValue) -> list[tuple[str, YamlValue]]:
        was.append(value)
        return [(key, garbage)]

    found = changes(place, damage)
    if found == ():
        assert place.name in SAME_WITHOUT or garbage in (*was, None)
