"""The engine against every order of events: a state machine over a simulated bus.

Deliveries, completions, pauses, acknowledgements, failed publishing, revokes and late completions come in any
order. Whatever they do, each key's messages leave on each topic in the order of its records, the frontier passes
nothing that has no acknowledged answer, nothing is settled twice in an epoch, and in the end every request is
answered.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from math import inf

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from omnibase_core.codec import decode
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.runtime import NodeResult
from omnibase_infra.guard.waiting import wait_until, wake
from omnibase_infra.host import outbox
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.engine import DeliveryEngine
from omnibase_spi.event_bus import Message

from tests.fakes.runtimes import NOW, StepwiseRuntime, bus_binding, raw_request, settled_loop
from tests.fakes.simulated_bus import INPUT, OUTPUT_PARTITIONS, SimulatedBus

KEYS = st.sampled_from([b"a", b"b", b"c", None])


class PausingRuntime(StepwiseRuntime):
    """Every third request first waits for a server that is out of order, until it `recovers`."""

    def __init__(self) -> None:
        super().__init__()
        self.server: set[asyncio.Future[None]] = set()

    async def route_envelope(self, envelope: ModelOnexEnvelope) -> NodeResult:
        """Waits, and then runs."""
        if envelope.envelope_id.int % 3 == 0:
            await wait_until(inf, self.server)
        return await super().route_envelope(envelope)

    def recovers(self) -> None:
        """Lets everything go on that waits."""
        wake(self.server)


class EngineMachine(RuleBasedStateMachine):
    """One engine, one stream that is revoked and assigned again, two output partitions."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.bus = SimulatedBus()
        self.runtime = PausingRuntime()
        self.keys: list[bytes | None] = []
        self.acknowledged_in_epoch: dict[tuple[str, bytes], list[int]] = defaultdict(list)
        self.answered: set[int] = set()
        self.seen = 0
        outbox._FIRST_DELAY_S = outbox._LONGEST_DELAY_S = 3_600.0  # noqa: SLF001 - a rule is the timer here
        self.runner.run(self._open())

    async def _open(self) -> None:
        self.engine = DeliveryEngine(
            self.bus,
            self.runtime,
            bus_binding(window=6, threshold=50),
            group="g",
            clock=Clock(now=lambda: NOW),
            limits={"node": 4},
        )
        await self.bus.subscribe(INPUT, self.engine)
        self.bus.assign()

    def _turn(self, turns: int = 12) -> None:
        self.runner.run(settled_loop(turns))
        self._note()

    def _on_loop(self, step: Callable[[], object]) -> None:
        async def taken() -> None:
            step()

        self.runner.run(taken())

    def _note(self) -> None:
        for message in self.bus.published[self.seen :]:
            number = _number(message)
            self.answered.add(number)
            key = self.keys[number]
            if key is not None:
                self.acknowledged_in_epoch[message.topic, key].append(number)
        self.seen = len(self.bus.published)

    @rule(records=st.lists(st.tuples(KEYS, st.integers(0, 9)), min_size=1, max_size=4), most=st.integers(0, 5))
    def records_arrive(self, records: list[tuple[bytes | None, int]], most: int) -> None:
        """One in ten is no envelope; the bus delivers some, unless the stream is paused."""
        for key, kind in records:
            number = len(self.keys)
            self.keys.append(key)
            self.bus.append(key, raw_request(number) if kind else f"broken {number}".encode())
        self._on_loop(lambda: self.bus.poll(most))
        self._turn()

    @precondition(lambda self: self.runtime.running)
    @rule(data=st.data())
    def nodes_finish(self, data: st.DataObject) -> None:
        """Any of those that run, of whatever epoch, in any order."""
        running = sorted(self.runtime.running)
        for number in data.draw(st.lists(st.sampled_from(running), min_size=1, unique=True)):
            self.runtime.finish(number)
        self._turn()

    @precondition(lambda self: self.runtime.server)
    @rule()
    def the_server_recovers(self) -> None:
        """And what was paused goes on."""
        self._on_loop(self.runtime.recovers)
        self._turn()

    @precondition(lambda self: self.bus.delivered < len(self.bus.log) and not self.bus.paused)
    @rule(most=st.integers(1, 5))
    def the_bus_delivers(self, most: int) -> None:
        """What it has."""
        self._on_loop(lambda: self.bus.poll(most))
        self._turn()

    @precondition(lambda self: self.bus.in_queue)
    @rule(partition=st.integers(0, OUTPUT_PARTITIONS - 1), most=st.integers(1, 3))
    def the_broker_acknowledges(self, partition: int, most: int) -> None:
        """Some of one output partition."""
        self._on_loop(lambda: self.bus.acknowledge(partition, most))
        self._turn()

    @precondition(lambda self: self.bus.in_queue)
    @rule(partition=st.integers(0, OUTPUT_PARTITIONS - 1), at_once=st.booleans())
    def publishing_fails(self, partition: int, at_once: bool) -> None:
        """For everything queued of one output partition, before or after the engine had another turn."""
        self._on_loop(lambda: self.bus.fail(partition))
        if not at_once:
            self._turn()

    @precondition(lambda self: self.engine.progress.held)
    @rule()
    def the_outbox_publishes_again(self) -> None:
        """What was held, in its old order."""
        self._on_loop(self._publish_held)
        self._turn()

    @precondition(lambda self: self.bus.delivered > self.bus.committed)
    @rule(finish=st.booleans())
    def the_stream_is_revoked_and_comes_back(self, finish: bool) -> None:
        """With time to finish, or none at all."""
        self.runner.run(self._revoke(finish))
        self._note()
        self.acknowledged_in_epoch.clear()
        self._on_loop(self.bus.assign)
        self._turn()

    def _publish_held(self) -> None:
        timer = self.engine._outbox._retry  # noqa: SLF001
        if timer is not None:
            timer.cancel()
            self.engine._outbox._publish_held()  # noqa: SLF001

    def _acknowledge_all(self) -> None:
        self._publish_held()
        for partition in range(OUTPUT_PARTITIONS):
            self.bus.acknowledge(partition)

    async def _revoke(self, finish: bool) -> None:
        revoking = asyncio.create_task(self.bus.revoke(5.0 if finish else 0.0))
        while not revoking.done():
            await settled_loop(4)
            if finish:
                for number in sorted(self.runtime.running):
                    self.runtime.finish(number)
            self._acknowledge_all()
        await revoking

    @invariant()
    def each_keys_answers_leave_in_order(self) -> None:
        """On each topic, within an epoch; a redelivery begins again."""
        for numbers in self.acknowledged_in_epoch.values():
            assert numbers == sorted(numbers)

    @invariant()
    def the_frontier_passes_nothing_without_an_answer(self) -> None:
        """Nothing lost: what is committed was answered, or dead-lettered."""
        positions = [frontier.next_position for frontier in self.bus.frontier()]
        reached = max([self.bus.committed, *positions])
        answered = self.answered | {_number(message) for message in self.bus.published[self.seen :]}
        assert set(range(reached)) <= answered

    def teardown(self) -> None:
        """In the end everything is answered, and the frontier is at the end of the log."""
        try:
            for _ in range(40 + 4 * len(self.keys)):
                self._on_loop(lambda: self.bus.poll(5))
                self._on_loop(self.runtime.recovers)
                self._turn()
                for number in sorted(self.runtime.running):
                    self.runtime.finish(number)
                self._turn()
                self._on_loop(self._acknowledge_all)
                self._turn()
            assert self.answered == set(range(len(self.keys)))
            assert self.bus.frontier()[0].next_position == len(self.keys)
            assert self.engine.progress.in_flight == 0
        finally:
            self.runner.run(self.engine.close())
            self.runner.close()
            outbox._FIRST_DELAY_S, outbox._LONGEST_DELAY_S = 0.1, 5.0  # noqa: SLF001


def _number(message: Message) -> int:
    if message.value.startswith(b"broken"):
        return int(message.value.split()[1])
    cause = decode(message.value).causation_id
    assert cause is not None
    return cause.int - 1


EngineMachine.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestEngineMachine = EngineMachine.TestCase
