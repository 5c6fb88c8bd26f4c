"""A membership and its replacement: polls, revokes, commits in bounds, failures that pass or do not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, GroupAuthorizationFailedError, KafkaConnectionError, KafkaError
from omnibase_core.enums import EnumSettlement
from omnibase_core.errors import EventBusError
from omnibase_infra.event_bus.kafka import consumption as consuming
from omnibase_infra.event_bus.kafka.breaker import BusBreaker
from omnibase_infra.event_bus.kafka.consumption import Consumption
from omnibase_infra.telemetry.meter import BusMeter
from omnibase_spi.conformance.stand import Subscriber
from omnibase_spi.event_bus import Delivery

from tests.fakes.kafka_clients import FakeConsumer, as_consumer, record
from tests.fakes.waiting import until

PARTITION = TopicPartition("in", 0)
OTHER = TopicPartition("in", 1)


class Stand:
    """A consumption over fakes."""

    def __init__(self, *fakes: FakeConsumer, threshold: int = 100) -> None:
        self.fakes = fakes
        self.sink = Subscriber()
        self.clock = 0.0
        self.meter = BusMeter()
        self.breaker = BusBreaker(threshold, lambda: self.clock, lambda: self.consumption.wake(), self.meter)
        remaining = iter(fakes)
        self.reachable = True
        self.consumption = Consumption(
            lambda: as_consumer(next(remaining)),
            {"in": self.sink},
            self.breaker,
            is_reachable=self._is_reachable,
            batch=100,
            revoke_budget_s=2.0,
            meter=self.meter,
        )
        self.running = asyncio.ensure_future(self.consumption.run())

    async def delivered(self, offsets: Sequence[int], fake: int = 0) -> list[Delivery]:
        """Hands out records, and gives their deliveries."""
        before = len(self.sink.deliveries)
        self.fakes[fake].buffered[PARTITION] = [record(offset) for offset in offsets]
        await until(lambda: len(self.sink.deliveries) == before + len(offsets))
        return self.sink.deliveries[before:]

    def settle(self, delivery: Delivery) -> bool:
        """Records an outcome."""
        return self.consumption.settle(delivery, EnumSettlement.DONE)

    async def _is_reachable(self) -> bool:
        return self.reachable


@asynccontextmanager
async def standing(*fakes: FakeConsumer, threshold: int = 100) -> AsyncIterator[Stand]:
    """A consumption that runs, closed afterwards."""
    stand = Stand(*fakes, threshold=threshold)
    try:
        yield stand
    finally:
        await stand.consumption.withdraw(0.1)
        await stand.consumption.end()
        stand.running.cancel()
        await asyncio.wait([stand.running])


@pytest.mark.asyncio
async def test_a_paused_partition_is_left_out_of_the_poll_and_comes_back_at_once() -> None:
    fake = FakeConsumer([PARTITION, OTHER])
    async with standing(fake) as stand:
        (delivery,) = await stand.delivered([0])
        stand.consumption.progress.set_paused(delivery.source, paused=True)
        fake.polls.clear()
        await until(lambda: len(fake.polls) > 3)
        assert set(fake.polls[1:]) == {(OTHER,)}
        stand.consumption.progress.set_paused(delivery.source, paused=False)
        stand.consumption.wake()
        await until(lambda: set(fake.polls[-1]) == {PARTITION, OTHER})


@pytest.mark.asyncio
async def test_with_everything_paused_a_partition_that_nobody_has_is_polled_so_the_member_stays() -> None:
    fake = FakeConsumer()
    async with standing(fake) as stand:
        (delivery,) = await stand.delivered([0])
        stand.consumption.progress.set_paused(delivery.source, paused=True)
        fake.polls.clear()
        await until(lambda: len(fake.polls) > 1)
        assert PARTITION not in fake.polls[-1]
        assert fake.polls[-1]


@pytest.mark.asyncio
async def test_stopping_never_cancels_a_poll() -> None:
    fake = FakeConsumer()
    async with standing(fake) as stand:
        await until(lambda: bool(fake.polls))
        stand.consumption.stop()
        await asyncio.wait([stand.running], timeout=5)
        assert stand.running.done()
    assert fake.cancelled == 0


@pytest.mark.asyncio
async def test_records_of_a_partition_that_nobody_announced_open_their_epoch() -> None:
    fake = FakeConsumer([])
    async with standing(fake) as stand:
        await until(lambda: bool(fake.polls))
        fake.assigned = {PARTITION}
        (delivery,) = await stand.delivered([4])
        assert delivery.source in stand.sink.assignments
        fake.assign_now()
        assert stand.settle(delivery)


@pytest.mark.asyncio
async def test_a_revoke_finishes_commits_and_forgets_and_the_next_epoch_is_fresh() -> None:
    fake = FakeConsumer()
    async with standing(fake) as stand:
        first, second = await stand.delivered([0, 1])
        stand.consumption.progress.set_paused(first.source, paused=True)

        async def finish() -> None:
            assert stand.settle(first)

        stand.sink.on_revoked = finish
        await fake.revoke()
        assert stand.sink.revocations[-1].budget_s == 2.0
        assert fake.commits[-1] == {PARTITION: 1}
        assert not stand.settle(second)
        fake.assign_now()
        (again,) = await stand.delivered([1])
        assert again.source.epoch != second.source.epoch
        assert not stand.settle(second)
        assert stand.settle(again)


@pytest.mark.asyncio
async def test_a_commit_that_never_comes_back_is_given_up_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeConsumer()
    async with standing(fake) as stand:
        (delivery,) = await stand.delivered([0])
        member = stand.consumption.member
        assert member is not None
        fake.hangs.add("commit")
        assert stand.settle(delivery)
        await asyncio.wait_for(member.commit(0.05), 5)
        assert stand.breaker.last_failure == "committing: no answer in time"
        assert (stand.meter.commit_failures, sum(stand.meter.commits.counts)) == (1, 0)
        fake.hangs.clear()
        await until(lambda: fake.commits == [{PARTITION: 1}])
        await until(lambda: sum(stand.meter.commits.counts) == 1)


@pytest.mark.asyncio
async def test_commits_do_not_wait_for_a_poll_that_does_not_come_back() -> None:
    fake = FakeConsumer()
    async with standing(fake) as stand:
        (delivery,) = await stand.delivered([0])
        fake.hangs.add("getmany")
        before = len(fake.polls)
        await until(lambda: len(fake.polls) > before)
        stand.settle(delivery)
        await until(lambda: fake.commits == [{PARTITION: 1}])


@pytest.mark.asyncio
async def test_a_commit_that_a_rebalance_has_overtaken_is_no_failure_of_the_bus() -> None:
    fake = FakeConsumer()
    async with standing(fake) as stand:
        (delivery,) = await stand.delivered([0])
        fake.commit_error = CommitFailedError()
        stand.settle(delivery)
        member = stand.consumption.member
        assert member is not None
        await member.commit()
        assert stand.breaker.failures == 0


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "error", [KafkaConnectionError(), KafkaError("Unexpected error"), OSError(), ValueError()]
)
async def test_a_member_that_fails_is_replaced(error: Exception) -> None:
    first, second = FakeConsumer(), FakeConsumer()
    async with standing(first, second) as stand:
        (delivery,) = await stand.delivered([0])
        first.poll_error = error
        (again,) = await stand.delivered([0], fake=1)
        assert first.stopped
        assert delivery.source in stand.sink.revocations[0].sources
        assert again.source.epoch > delivery.source.epoch
        assert stand.consumption.restarts == 1


@pytest.mark.asyncio
async def test_a_member_that_cannot_join_is_replaced() -> None:
    first, second = FakeConsumer(), FakeConsumer()
    first.start_error = KafkaConnectionError()
    async with standing(first, second) as stand:
        await stand.delivered([0], fake=1)


@pytest.mark.asyncio
async def test_a_refusal_ends_consuming_for_good_and_says_why() -> None:
    fake = FakeConsumer()
    fake.start_error = GroupAuthorizationFailedError("g")
    async with standing(fake) as stand:
        with pytest.raises(EventBusError, match="access to the consumer group is refused"):
            await asyncio.wait_for(asyncio.shield(stand.running), 5)


@pytest.mark.asyncio
async def test_stopping_ends_a_join_that_never_ends() -> None:
    fake = FakeConsumer()
    fake.hangs.add("start")
    async with standing(fake) as stand:
        await until(lambda: stand.consumption.member is not None)
        stand.consumption.stop()
        await asyncio.wait_for(asyncio.shield(stand.running), 5)


@pytest.mark.asyncio
async def test_a_member_that_does_not_stop_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consuming, "_END_S", 0.05)
    fake = FakeConsumer()
    async with standing(fake) as stand:
        await stand.delivered([0])
        fake.hangs.add("stop")
        await asyncio.wait_for(stand.consumption.end(), 5)


@pytest.mark.asyncio
async def test_failures_in_a_row_stop_consumption_until_something_works() -> None:
    fake = FakeConsumer()
    async with standing(fake, threshold=2) as stand:
        (delivery,) = await stand.delivered([0])
        for _ in range(2):
            stand.breaker.note("publishing: no answer")
        fake.polls.clear()
        await until(lambda: len(fake.polls) > 2)
        assert all(PARTITION not in polled for polled in fake.polls[1:])
        (frontier,) = stand.consumption.progress.frontiers(stand.consumption.member.pause)  # type: ignore[union-attr]  # it runs
        assert frontier.paused_because == "the bus failed 2 times in a row: publishing: no answer"
        stand.breaker.note(None)
        await stand.delivered([1])
        assert stand.settle(delivery)


@pytest.mark.asyncio
async def test_a_silent_consumer_is_replaced_when_the_cluster_answers_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consuming, "STALLED_S", 0.1)
    monkeypatch.setattr(consuming, "_LOOK_EVERY_S", 0.01)
    fakes = [FakeConsumer() for _ in range(4)]
    async with standing(*fakes) as stand:
        stand.reachable = False
        await until(lambda: stand.consumption.silence_s > 0.3)
        assert stand.consumption.restarts == 0
        stand.reachable = True
        with pytest.raises(EventBusError, match="no answer to a fetch"):
            await asyncio.wait_for(asyncio.shield(stand.running), 10)
        assert stand.meter.rebuilt["consumer"] == 2


@pytest.mark.asyncio
async def test_too_much_behind_one_open_delivery_pauses_its_partition(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeConsumer()
    monkeypatch.setattr("omnibase_infra.event_bus.kafka.member._HOLES", 3)
    async with standing(fake) as stand:
        first, *others = await stand.delivered(range(4))
        for delivery in others:
            stand.settle(delivery)
        member, (stream,) = stand.consumption.member, stand.consumption.progress.streams
        assert member is not None
        assert (pause := member.pause(stream)) is not None
        assert pause.because == "too much is settled behind the oldest delivery"
        stand.settle(first)
        assert member.pause(stream) is None
