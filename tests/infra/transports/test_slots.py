"""Slots: so many at once, in the order in which they were asked for, whoever gives up waiting."""

import asyncio

import pytest
from omnibase_infra.transports.slots import Slots

pytestmark = pytest.mark.asyncio


async def waiting(slots: Slots, *names: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """A list that gets each name once it has a slot, and the tasks that wait for theirs."""
    served: list[str] = []

    async def wait(name: str) -> None:
        await slots.wait()
        served.append(name)

    tasks = [asyncio.create_task(wait(name)) for name in names]
    await asyncio.sleep(0)
    return served, tasks


async def test_there_are_as_many_as_were_given() -> None:
    slots = Slots(2)
    assert [slots.take(), slots.take(), slots.take()] == [True, True, False]
    slots.release()
    assert [slots.take(), slots.take()] == [True, False]


async def test_who_waits_first_gets_the_next_one_and_nobody_overtakes() -> None:
    slots = Slots(1)
    assert slots.take()
    served, tasks = await waiting(slots, "first", "second")
    slots.release()
    assert not slots.take()
    await tasks[0]
    assert served == ["first"]
    slots.release()
    await tasks[1]
    assert served == ["first", "second"]


async def test_who_gives_up_waiting_is_passed_over() -> None:
    slots = Slots(1)
    assert slots.take()
    served, tasks = await waiting(slots, "first", "second")
    tasks[0].cancel()
    slots.release()
    await tasks[1]
    assert served == ["second"]
    slots.release()
    assert slots.take()


async def test_a_slot_that_comes_together_with_the_cancellation_is_passed_on() -> None:
    slots = Slots(1)
    assert slots.take()
    served, tasks = await waiting(slots, "first", "second")
    slots.release()
    tasks[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    await tasks[1]
    assert served == ["second"]
