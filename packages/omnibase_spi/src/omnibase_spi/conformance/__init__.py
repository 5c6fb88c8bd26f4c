"""What every handler and every bus must do, as checks that any implementation can run.

    @pytest.mark.parametrize("check", BUS_CHECKS, ids=lambda check: check.__name__)
    async def test_my_bus_conforms(check: BusCheck) -> None:
        await check(MyBus, my_binding())

A check is a coroutine function without a test framework: it raises AssertionError with a sentence that says
what was promised and not kept. The binding of a bus names topics that nobody else uses; a bus that keeps its
records needs fresh ones for each check.
"""

from omnibase_spi.conformance.bus import BUS_CHECKS, BusCheck, check_bus
from omnibase_spi.conformance.bus_failing import FAILURE_CHECKS, Failing, FailureCheck
from omnibase_spi.conformance.handler import HANDLER_CHECKS, HandlerCheck, check_handler
from omnibase_spi.conformance.promise import PATIENCE_S, QUIET_S

__all__ = [
    "BUS_CHECKS",
    "FAILURE_CHECKS",
    "HANDLER_CHECKS",
    "PATIENCE_S",
    "QUIET_S",
    "BusCheck",
    "Failing",
    "FailureCheck",
    "HandlerCheck",
    "check_bus",
    "check_handler",
]
