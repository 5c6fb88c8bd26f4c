"""A replay sends each dead letter once, goes on where it ended, and never for ever."""

import asyncio

import pytest
from omnibase_core.codec import encode
from omnibase_core.errors import EventBusError
from omnibase_infra.records.replay import Replay, ReplayRules, Tally
from omnibase_infra.records.selection import Selection
from omnibase_spi.event_bus import Message
from omnibase_spi.topic_log import Note, Partition

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW, request
from tests.infra.records.letters import DEAD, INPUT, give_up, give_up_garbage, letters_in, log_with

EVERYTHING = ReplayRules()
GARBAGE_ONLY = ReplayRules(Selection(codes=frozenset({"ENVELOPE_VALIDATION_ERROR"})))


def filled(count: int, *, partitions: int = 1) -> MemoryTopicLog:
    log = log_with(partitions=partitions)
    for number in range(count):
        give_up(log, number, partition=number % partitions, key=str(number).encode())
    return log


async def replayed(log: MemoryTopicLog, rules: ReplayRules = EVERYTHING, stop_at: int | None = None) -> Tally:
    stop = asyncio.Event()

    def tell(tally: Tally) -> None:
        if stop_at is not None and tally.sent >= stop_at:
            stop.set()

    return await Replay(letters_in(log), INPUT, rules, lambda: NOW).run(stop, tell)


def keys(log: MemoryTopicLog) -> list[bytes | None]:
    return [message.key for message in log.published]


@pytest.mark.asyncio
async def test_every_dead_letter_goes_back_once_whatever_it_is() -> None:
    log = filled(250, partitions=3)
    give_up_garbage(log, 250)
    tally = await replayed(log)
    assert (tally.selected, tally.due, tally.sent) == (251, 251, 251)
    assert sorted(key or b"" for key in keys(log)) == sorted([*(str(n).encode() for n in range(250)), b"k\xff"])
    assert {message.topic for message in log.published} == {INPUT}


@pytest.mark.asyncio
async def test_what_was_replayed_is_not_replayed_again() -> None:
    log = filled(5)
    await replayed(log)
    give_up(log, 5, key=b"new")
    tally = await replayed(log)
    assert (tally.selected, tally.before, tally.sent) == (6, 5, 1)
    assert keys(log)[-1] == b"new"


@pytest.mark.asyncio
async def test_replays_with_different_filters_do_not_repeat_each_other() -> None:
    log = log_with()
    for number in range(20):
        (give_up_garbage if number % 3 == 0 else give_up)(log, number)
    assert (await replayed(log, GARBAGE_ONLY)).sent == 7
    assert (await replayed(log, EVERYTHING)).sent == 13
    assert (await replayed(log, EVERYTHING)).sent == 0


@pytest.mark.asyncio
async def test_again_sends_what_was_replayed_before() -> None:
    log = filled(5)
    await replayed(log)
    assert (await replayed(log, ReplayRules(again=True))).sent == 5


@pytest.mark.asyncio
async def test_a_replay_that_was_stopped_goes_on_where_it_was() -> None:
    log = filled(450)
    first = await replayed(log, stop_at=200)
    assert first.sent == 200
    second = await replayed(log)
    assert (second.before, second.sent) == (200, 250)
    assert keys(log) == [str(number).encode() for number in range(450)]


@pytest.mark.asyncio
async def test_after_a_crash_one_batch_at_most_is_sent_twice() -> None:
    log = filled(450)

    class CrashError(Exception):
        pass

    def crash() -> None:
        if len(log.published) >= 200:
            raise CrashError

    log.after_publish = crash
    with pytest.raises(CrashError):
        await replayed(log)
    log.after_publish = lambda: None
    await replayed(log)
    assert set(keys(log)) == {str(number).encode() for number in range(450)}
    assert len(log.published) == 450 + 100


@pytest.mark.asyncio
async def test_what_the_bus_did_not_take_is_due_the_next_time() -> None:
    log = filled(10)
    refused = {b"4", b"7"}

    def refuse(message: Message) -> EventBusError | None:
        return EventBusError("not now") if message.key in refused else None

    log.refuse = refuse
    with pytest.raises(EventBusError, match="not now"):
        await replayed(log)
    refused.clear()
    tally = await replayed(log)
    assert keys(log)[-2:] == [b"4", b"7"]
    assert (tally.before, tally.sent) == (8, 2)


@pytest.mark.asyncio
async def test_what_came_back_too_often_is_left_where_it_is() -> None:
    log = log_with()
    give_up(log, 0, headers=[("onex-dlq-replay-count", b"2")])
    give_up(log, 1, headers=[("onex-dlq-replay-count", b"3")])
    tally = await replayed(log)
    assert (tally.refused, tally.sent) == (1, 1)
    assert [letter.record.offset for letter in tally.refusals] == [1]
    assert (await replayed(log, ReplayRules(max_replays=4))).sent == 1


@pytest.mark.asyncio
async def test_a_plan_sends_and_notes_nothing() -> None:
    log = filled(5)
    tally = await Replay(letters_in(log), INPUT, EVERYTHING, lambda: NOW).plan()
    assert (tally.due, tally.sent) == (5, 0)
    assert (log.published, log.kept) == ([], {})


@pytest.mark.asyncio
async def test_dead_letters_that_come_meanwhile_wait_for_the_next_replay() -> None:
    log = filled(3)

    def fail_again() -> None:
        give_up(log, 99)

    log.after_publish = fail_again
    assert (await replayed(log)).sent == 3


@pytest.mark.asyncio
async def test_two_replays_at_once_are_noticed() -> None:
    log = filled(300)

    def other() -> None:
        log.kept["orders-host.dlq-replay", Partition(DEAD, 0)] = Note(42, "")

    log.after_publish = other
    with pytest.raises(EventBusError, match="Another replay"):
        await replayed(log)
    assert len(log.published) == 100


@pytest.mark.asyncio
async def test_offsets_without_a_record_leave_no_holes() -> None:
    log = log_with()
    for number in range(5):
        give_up(log, number, skip=3)
    await replayed(log)
    assert log.kept["orders-host.dlq-replay", Partition(DEAD, 0)] == Note(20, "")


@pytest.mark.asyncio
async def test_a_pace_is_kept_and_a_signal_ends_the_wait() -> None:
    log = filled(6)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    started = loop.time()
    tally = await Replay(letters_in(log), INPUT, ReplayRules(rate=100), lambda: NOW).run(stop, lambda tally: None)
    assert tally.sent == 6
    slow = asyncio.create_task(
        Replay(letters_in(log), INPUT, ReplayRules(rate=0.001, again=True), lambda: NOW).run(
            stop, lambda tally: stop.set()
        )
    )
    assert (await slow).sent == 1
    assert loop.time() - started < 5


@pytest.mark.asyncio
async def test_a_request_whose_time_has_passed_is_counted() -> None:
    log = log_with()
    give_up(log, 0, value=encode(request(0, ttl_seconds=1)))
    late = Replay(letters_in(log), INPUT, EVERYTHING, lambda: NOW.replace(year=2027))
    assert (await late.plan()).expired == 1
