"""What a bus still promises while its broker fails: whoever publishes again keeps the order."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from omnibase_core.contracts.bindings import ModelEventBusBinding

from omnibase_spi.conformance.promise import promised
from omnibase_spi.conformance.stand import BusMaker, Receipts, running

Failing = Callable[[], AbstractAsyncContextManager[None]]
"""While this is open, nothing that is published is acknowledged; afterwards everything works again."""

FailureCheck = Callable[[BusMaker, ModelEventBusBinding, Failing], Awaitable[None]]
"""Gets what makes a bus, a binding whose topics nobody else uses, what makes it fail; raises AssertionError."""


async def check_behind_a_failed_message_everything_fails(
    make: BusMaker, binding: ModelEventBusBinding, failing: Failing
) -> None:
    """Behind a failed message everything queued for its partition fails, in order and in one step of the loop.

    What is then published again arrives in order; something may arrive twice.
    """
    async with running(make, binding) as stand:
        await stand.delivered(1)
        messages = [stand.message(number) for number in range(1, 41)]
        receipts, in_one_step = Receipts(stand.bus), asyncio.get_running_loop().create_future()

        def count() -> None:
            in_one_step.set_result(len(receipts.told))

        receipts.on_first = lambda: asyncio.get_running_loop().call_soon(count)
        async with failing():
            for batch in (messages[:10], messages[10:30], messages[30:]):
                receipts.publish(batch)
                await asyncio.sleep(0)
            await receipts.all_told(40)
        promised(await in_one_step == 40, "behind a failed message everything queued must fail in the same step")
        promised(all(error is not None and error.retryable for _, error in receipts.told), "all of it must fail")
        promised([message for message, _ in receipts.told] == messages, "what fails must be told in its order")
        while True:
            again = Receipts(stand.bus)
            again.publish(messages)
            await again.all_told(40)
            if not again.errors:
                break
        await stand.subscriber.watch.until(
            lambda: len({delivery.value for delivery in stand.subscriber.deliveries}) == 41,
            "what is published again must arrive",
        )
        first = list(dict.fromkeys(int(delivery.value) for delivery in stand.subscriber.deliveries))
        promised(first == list(range(41)), "what is published again must arrive in order")


FAILURE_CHECKS: Final[tuple[FailureCheck, ...]] = (check_behind_a_failed_message_everything_fails,)
"""Every check of a bus that can be made to fail."""
