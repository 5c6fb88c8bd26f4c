"""Keeps a membership of the group going: joins, attends to it while it lasts, and replaces one that failed.

Attending is committing, by count and by time, and looking for a consumer that has silently stopped.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from omnibase_core.enums import EnumSettlement
from omnibase_core.errors import EventBusError
from omnibase_spi.event_bus import Delivery

from omnibase_infra.event_bus.kafka.breaker import BusBreaker
from omnibase_infra.event_bus.kafka.faults import in_words, is_final
from omnibase_infra.event_bus.kafka.member import Member, Sinks
from omnibase_infra.event_bus.kafka.progress import Progress
from omnibase_infra.event_bus.kafka.stalls import STALLED_S, StallDetector
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.meter import BusMeter

_log = logging.getLogger("onex.bus")
_COMMIT_EVERY_S: Final = 0.2
_COMMIT_COUNT: Final = 500
_LOOK_EVERY_S: Final = 1.0
_FIRST_DELAY_S: Final = 0.2
_LONGEST_DELAY_S: Final = 30.0
_RESTART_BUDGET_S: Final = 5.0
_RESTART_COMMIT_S: Final = 2.0
_CLOSE_COMMIT_S: Final = 1.5
_END_S: Final = 1.5


class StalledError(Exception):
    """The consumer gets no answers although the cluster gives them."""


class Consumption:
    """Runs members one after the other.

    make: a consumer that has not started. is_reachable: whether the cluster answers somebody else.
    batch: records of one poll. revoke_budget_s: what a member has for its work in flight when the group takes
    partitions away. meter: has its figures.
    """

    def __init__(
        self,
        make: Callable[[], AIOKafkaConsumer],
        sinks: Sinks,
        breaker: BusBreaker,
        *,
        is_reachable: Callable[[], Awaitable[bool]],
        batch: int,
        revoke_budget_s: float,
        meter: BusMeter | None = None,
    ) -> None:
        self._make = make
        self._meter = meter or BusMeter()
        self._sinks = sinks
        self._breaker = breaker
        self._is_reachable = is_reachable
        self._batch = batch
        self._revoke_budget_s = revoke_budget_s
        self._progress = Progress(time.monotonic)
        self._stalls = StallDetector(time.time)
        self._stopping = asyncio.Event()
        self._many = asyncio.Event()
        self._attending: asyncio.Task[None] | None = None
        self.member: Member | None = None
        self.silence_s = 0.0

    @property
    def progress(self) -> Progress:
        """The streams that are ours."""
        return self._progress

    @property
    def restarts(self) -> int:
        """Members that were replaced."""
        return self._meter.rebuilt["consumer"]

    @property
    def is_member(self) -> bool:
        """Whether we are in the group and consume."""
        return self._attending is not None

    async def run(self) -> None:
        """Consumes until `stop`. Raises EventBusError where no further attempt can help."""
        delay = _FIRST_DELAY_S
        while not self._stopping.is_set():
            begun = time.monotonic()
            try:
                await self._live(self._begin())
            except (KafkaError, TimeoutError, OSError, StalledError) as error:
                await self._end_failed(error)
                delay = _FIRST_DELAY_S if time.monotonic() - begun > _LONGEST_DELAY_S else delay
                await self._wait(delay * random.uniform(0.5, 1.0))  # noqa: S311 - spreads members, guards nothing
                delay = min(delay * 2, _LONGEST_DELAY_S)

    def stop(self) -> None:
        """No delivery from now on."""
        self._stopping.set()
        if self.member is not None:
            self.member.stop()

    def wake(self) -> None:
        """Something that is polled has changed."""
        if self.member is not None:
            self.member.wake.set()

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Records an outcome, to be committed soon."""
        changed = self._progress.settle(delivery, settlement)
        if changed and self._progress.uncommitted >= _COMMIT_COUNT:
            self._many.set()
        return changed

    async def withdraw(self, budget_s: float) -> None:
        """Revokes what is still ours, and commits it."""
        self.stop()
        await self._attend_no_more()
        if self.member is not None:
            await self.member.withdraw(budget_s, _CLOSE_COMMIT_S)

    async def end(self) -> None:
        """Leaves the group."""
        if self.member is not None:
            await self.member.end(_END_S)

    def _begin(self) -> Member:
        self._progress.next_epoch()
        self.member = Member(
            self._make(),
            self._progress,
            self._sinks,
            batch=self._batch,
            revoke_budget_s=self._revoke_budget_s,
            suspended=self._breaker.reason,
            told=self._breaker.note,
            meter=self._meter,
        )
        return self.member

    async def _live(self, member: Member) -> None:
        await member.join()
        if self._stopping.is_set():
            return
        self._attending = asyncio.create_task(self._attend(member), name="onex-attend")
        polling = asyncio.create_task(member.poll(), name="onex-poll")
        try:
            await asyncio.wait([polling, self._attending], return_when=asyncio.FIRST_COMPLETED)
            for task in (polling, self._attending):
                if task.done():
                    task.result()
        finally:
            polling.cancel()

    async def _end_failed(self, error: Exception) -> None:
        """Ends the member that failed. Raises EventBusError where another one would fail as well."""
        reason = str(error) if isinstance(error, StalledError) else in_words(error)
        self._breaker.note(f"consuming: {reason}")
        await self._attend_no_more()
        if self.member is not None:
            await self.member.withdraw(_RESTART_BUDGET_S, _RESTART_COMMIT_S)
            await self.member.end(_END_S)
        is_lost = is_final(error) or (isinstance(error, StalledError) and self._stalls.stalled())
        _log.log(
            logging.CRITICAL if is_lost else logging.ERROR,
            "consuming failed%s: %s",
            "" if is_lost else ", and is begun anew",
            reason,
            extra={"event": events.BUS_CONSUMER_FAILED},
        )
        if is_lost:
            raise EventBusError(f"Consuming failed for good: {reason}") from None
        self._meter.rebuilt["consumer"] += 1

    async def _attend(self, member: Member) -> None:
        looked = 0.0
        since = time.time()
        while True:
            try:
                async with asyncio.timeout(_COMMIT_EVERY_S):
                    await self._many.wait()
            except TimeoutError:
                pass
            self._many.clear()
            await member.commit()
            if time.monotonic() - looked >= _LOOK_EVERY_S:
                looked = time.monotonic()
                await member.locate()
                await self._look_for_stall(member, since)

    async def _look_for_stall(self, member: Member, since: float) -> None:
        if self._stopping.is_set():
            return
        polled = [stream for stream in self._progress.streams if member.pause(stream) is None]
        self.silence_s = self._stalls.silence_s(member.consumer, polled, since)
        if self.silence_s > STALLED_S and await self._is_reachable():
            raise StalledError(f"no answer to a fetch for {self.silence_s:.0f} s, though the cluster answers")

    async def _attend_no_more(self) -> None:
        if self._attending is not None:
            self._attending.cancel()
            await asyncio.wait([self._attending])
            self._attending = None

    async def _wait(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass
