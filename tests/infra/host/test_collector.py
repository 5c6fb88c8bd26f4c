"""The garbage collector's setting: less eager while a host runs, and put back afterwards."""

import gc
from collections.abc import Iterator

import pytest
from omnibase_infra.host.collector import YOUNG_OBJECTS, relax, rest_while_starting


@pytest.fixture(autouse=True)
def setting() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
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


def test_what_is_there_when_a_host_is_up_is_not_looked_at_again_until_it_ends() -> None:
    gc.unfreeze()
    put_back = relax()
    assert gc.get_freeze_count() > 0
    put_back()
    assert gc.get_freeze_count() == 0


def test_what_somebody_else_froze_stays_frozen() -> None:
    gc.freeze()
    relax()()
    assert gc.get_freeze_count() > 0


def test_the_rest_while_a_program_starts_ends_when_its_host_is_up() -> None:
    gc.set_threshold(700, 10, 11)
    rest_while_starting()
    assert gc.get_threshold()[0] > YOUNG_OBJECTS
    relax()
    assert gc.get_threshold() == (YOUNG_OBJECTS, 10, 11)
