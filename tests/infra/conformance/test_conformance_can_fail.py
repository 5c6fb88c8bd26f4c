"""The conformance checks see what is broken: each is run on implementations that break its promise."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import pytest
from omnibase_spi.conformance import (
    BUS_CHECKS,
    FAILURE_CHECKS,
    HANDLER_CHECKS,
    PATIENCE_S,
    QUIET_S,
    BusCheck,
    FailureCheck,
    HandlerCheck,
)
from omnibase_spi.conformance.promise import bounded, in_time, refused

from tests.fakes.broken_buses import BROKEN_BUSES, BUSES_THAT_FAIL_WRONGLY, BrokenBus, FailingBus
from tests.fakes.broken_handlers import BROKEN_HANDLERS, BrokenVault
from tests.fakes.memory_vault import SAMPLE, vault_binding
from tests.fakes.runtimes import bus_binding

_BUSES = [(check, bus) for check in BUS_CHECKS for bus in BROKEN_BUSES.get(check.__name__, ())]
_HANDLERS = [(check, broken) for check in HANDLER_CHECKS for broken in BROKEN_HANDLERS.get(check.__name__, ())]


@pytest.fixture(autouse=True)
def impatient() -> Iterator[None]:
    """Nothing here is worth waiting for."""
    patience, quiet = PATIENCE_S.set(0.2), QUIET_S.set(0.02)
    yield
    PATIENCE_S.reset(patience)
    QUIET_S.reset(quiet)


def _ids(value: object) -> str:
    return str(getattr(value, "__name__", value)).removeprefix("check_")


@pytest.mark.asyncio
@pytest.mark.parametrize(("check", "broken"), _BUSES, ids=_ids)
async def test_a_broken_bus_is_seen(check: BusCheck, broken: type[BrokenBus]) -> None:
    with pytest.raises(AssertionError, match=r"\w+ .* \w+"):
        await check(broken, bus_binding(max_envelope_bytes=8_192))


@pytest.mark.asyncio
@pytest.mark.parametrize(("check", "broken"), _HANDLERS, ids=_ids)
async def test_a_broken_handler_is_seen(check: HandlerCheck, broken: type[BrokenVault]) -> None:
    with pytest.raises(AssertionError, match=r"\w+ .* \w+"):
        await check(broken, vault_binding(), SAMPLE)


_FAILING = [(check, bus) for check in FAILURE_CHECKS for bus in BUSES_THAT_FAIL_WRONGLY.get(check.__name__, ())]


@pytest.mark.asyncio
@pytest.mark.parametrize(("check", "broken"), _FAILING, ids=_ids)
async def test_a_bus_that_fails_wrongly_is_seen(check: FailureCheck, broken: type[FailingBus]) -> None:
    with pytest.raises(AssertionError, match=r"\w+ .* \w+"):
        await check(broken, bus_binding(max_envelope_bytes=8_192), broken.failing)


@pytest.mark.asyncio
@pytest.mark.parametrize("check", FAILURE_CHECKS, ids=_ids)
async def test_a_bus_that_fails_rightly_is_none_of_them(check: FailureCheck) -> None:
    await check(FailingBus, bus_binding(max_envelope_bytes=8_192), FailingBus.failing)


def test_every_check_has_something_broken_to_see() -> None:
    assert {check.__name__ for check in FAILURE_CHECKS} == set(BUSES_THAT_FAIL_WRONGLY)
    assert {check.__name__ for check in BUS_CHECKS} == set(BROKEN_BUSES)
    assert {check.__name__ for check in HANDLER_CHECKS} == set(BROKEN_HANDLERS)


@pytest.mark.asyncio
@pytest.mark.parametrize("check", BUS_CHECKS, ids=_ids)
async def test_the_base_of_the_broken_buses_is_none(check: BusCheck) -> None:
    await check(BrokenBus, bus_binding(max_envelope_bytes=8_192))


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (lambda: asyncio.sleep(0), "raised nothing"),
        (lambda: asyncio.sleep(10), "did not end within 0.2 s"),
        (lambda: _raising(KeyError("x")), "raised KeyError"),
        (lambda: _raising(TimeoutError()), "raised TimeoutError"),
    ],
)
async def test_what_must_be_refused_and_is_not_is_said(work: Callable[[], Awaitable[None]], sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        await refused(work(), ValueError, "the work")


@pytest.mark.asyncio
async def test_a_timeout_of_the_work_itself_is_passed_on() -> None:
    with pytest.raises(TimeoutError):
        await bounded(_raising(TimeoutError()), "the work")
    with pytest.raises(AssertionError, match="the work must not raise; it raised TimeoutError"):
        await in_time(_raising(TimeoutError()), "the work")


async def _raising(error: Exception) -> None:
    raise error
