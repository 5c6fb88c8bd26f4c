"""The garbage collector's setting: less eager while a host runs, and put back afterwards."""

import gc
from collections.abc import Iterator

import pytest
from omnibase_infra.host.collector import YOUNG_OBJECTS, relax


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def test_young_objects_are_looked_at_less_often_until_the_setting_is_put_back() -> None:
    gc.set_threshold(700, 10, 11)
    put_back = relax()
    assert gc.get_threshold() == (YOUNG_OBJECTS, 10, 11)
    put_back()
    assert gc.get_threshold() == (700, 10, 11)


@pytest.mark.parametrize("young", [0, YOUNG_OBJECTS + 1], ids=["off", "set so already"])
def test_a_setting_that_somebody_made_on_purpose_stays(young: int) -> None:
    gc.set_threshold(young, 5, 5)
    put_back = relax()
    assert gc.get_threshold() == (young, 5, 5)
    put_back()
    assert gc.get_threshold() == (young, 5, 5)
