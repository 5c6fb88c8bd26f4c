"""Flights that wait: they keep their key, hold up nobody else's, come back a few at a time, and are not lost."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from math import inf

import pytest
from omnibase_core.codec import decode, encode
from omnibase_core.contracts.load import parse_node_contract
from omnibase_core.enums import EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import HandlerUnavailableError
from omnibase_core.runtime import NodeInstance, NodeResult, NodeRuntime
from omnibase_infra.guard.waiting import wait_until, wake
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.engine import DeliveryEngine
from omnibase_spi.event_bus import Delivery, Source

from tests.fakes.runtimes import NOW, bus_binding, request, settled_loop
from tests.fakes.simulated_bus import INPUT, SimulatedBus
from tests.fakes.virtual_time import virtually

_DEAD_LETTERING = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "refused"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "url", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "body", type: "any"}]}
io_operations: [{type: "http", operations: ["http.get"]}]
on_failure: "dead_letter"
"""


class Nodes(NodeRuntime):
    """`paused` waits for its server, `later` for a time, `slow` holds its worker, `quick` not, `refused` fails.

    at_work: how many are between their waits and their ends; most: the most of them so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.server: set[asyncio.Future[None]] = set()
        self.gate = asyncio.Event()
        self.done: list[int] = []
        self.at_work = 0
        self.most = 0
        self.register_node(NodeInstance(parse_node_contract(_DEAD_LETTERING)))

    async def route_envelope(self, envelope: ModelOnexEnvelope) -> NodeResult:
        """Does what its node's name says."""
        node = envelope.target_node
        if node == "refused":
            raise HandlerUnavailableError("the breaker is open")
        if node == "paused":
            await wait_until(inf, self.server)
        if node == "later":
            await wait_until(asyncio.get_running_loop().time() + 5)
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        if node != "quick":
            await self.gate.wait()
        self.at_work -= 1
        self.done.append(envelope.envelope_id.int - 1)
        return NodeResult({})


def to(node: str, number: int) -> bytes:
    """A request to one of the nodes."""
    return encode(request(number, payload={}).model_copy(update={"target_node": node}))


@asynccontextmanager
async def engine_on(
    bus: SimulatedBus, nodes: NodeRuntime, *, window: int = 100, limits: Mapping[str, int] | None = None
) -> AsyncIterator[DeliveryEngine]:
    """An engine with this many workers, assigned its stream."""
    engine = DeliveryEngine(
        bus, nodes, bus_binding(window=window), group="g", clock=Clock(now=lambda: NOW), limits=limits
    )
    await bus.subscribe(INPUT, engine)
    bus.assign()
    try:
        yield engine
    finally:
        await engine.close()


def deliver(engine: DeliveryEngine, records: Sequence[tuple[bytes | None, bytes]]) -> None:
    """From a source for each record, so that no window is full."""
    for number, (key, value) in enumerate(records):
        engine.deliver([Delivery(Source(INPUT, 100 + number, 1), 0, value, key, (), 0)])


@pytest.mark.parametrize("waiting", ["paused", "later"])
def test_what_waits_takes_no_worker_from_others(waiting: str) -> None:
    async def scenario() -> list[int]:
        nodes = Nodes()
        async with engine_on(SimulatedBus(), nodes, window=2) as engine:
            deliver(engine, [(None, to(waiting, number)) for number in range(10)])
            await settled_loop(40)
            deliver(engine, [(None, to("quick", number)) for number in range(10, 20)])
            await settled_loop(40)
            return nodes.done

    assert virtually(scenario()) == list(range(10, 20))


def test_what_comes_back_is_never_more_than_the_workers_there_are() -> None:
    async def scenario() -> tuple[list[int], int]:
        nodes = Nodes()
        async with engine_on(SimulatedBus(), nodes, window=3) as engine:
            deliver(engine, [(None, to("paused", number)) for number in range(12)])
            deliver(engine, [(None, to("slow", 20))])
            await settled_loop(40)
            wake(nodes.server)
            await settled_loop(40)
            assert nodes.at_work == 3
            nodes.gate.set()
            await settled_loop(80)
            return nodes.done, nodes.most

    done, most = virtually(scenario())
    assert (sorted(done), most) == ([*range(12), 20], 3)


def test_what_waits_keeps_the_order_of_its_key() -> None:
    async def scenario() -> list[int]:
        nodes = Nodes()
        async with engine_on(SimulatedBus(), nodes) as engine:
            kinds = ["paused", "quick", "later", "quick"]
            deliver(engine, [(b"key", to(kind, number)) for number, kind in enumerate(kinds)])
            nodes.gate.set()
            await settled_loop()
            assert nodes.done == []
            wake(nodes.server)
            await asyncio.sleep(6)
            return nodes.done

    assert virtually(scenario()) == [0, 1, 2, 3]


def test_a_crowd_that_waited_leaves_no_more_workers_behind_than_there_may_be() -> None:
    async def scenario() -> int:
        nodes = Nodes()
        nodes.gate.set()
        async with engine_on(SimulatedBus(), nodes, window=4) as engine:
            deliver(engine, [(None, to("paused", number)) for number in range(50)])
            await settled_loop(120)
            wake(nodes.server)
            await settled_loop(120)
            assert len(nodes.done) == 50
            return sum(task.get_name() == "onex-lane" for task in asyncio.all_tasks())

    assert virtually(scenario()) == 4


@pytest.mark.parametrize("queued", [False, True], ids=["waiting for the server", "waiting for a worker"])
def test_a_revoke_releases_what_is_paused_and_never_runs_it(queued: bool) -> None:
    async def scenario() -> tuple[list[int], list[EnumSettlement], int]:
        bus, nodes = SimulatedBus(), Nodes()
        async with engine_on(bus, nodes, window=2 if queued else 100) as engine:
            if queued:
                deliver(engine, [(None, to("slow", number)) for number in (8, 9)])
            for number, kind in enumerate(["quick", "paused", "quick"]):
                bus.append(f"key {number}".encode(), to(kind, number))
            bus.poll(3)
            await settled_loop(20)
            if queued:
                nodes.gate.set()
                await settled_loop(20)
                nodes.gate.clear()
                deliver(engine, [(None, to("slow", number)) for number in (10, 11)])
                await settled_loop(20)
                wake(nodes.server)
                await settled_loop(20)
            for partition in (0, 1):
                bus.acknowledge(partition)
            await bus.revoke(0.0 if queued else 5.0)
            assert asyncio.get_running_loop().time() == 1_000
            nodes.gate.set()
            wake(nodes.server)
            await settled_loop(40)
            own = [settlement for source, _, settlement in bus.settled if source.partition == 0]
            return [number for number in nodes.done if number < 8], own, bus.committed

    done, settled, committed = virtually(scenario())
    assert sorted(done) == [0, 2]
    assert sorted(each.name for each in settled) == ["DONE", "DONE", "RELEASED"]
    assert committed == 1


def test_what_is_behind_a_released_flight_in_its_key_is_released_with_it() -> None:
    async def scenario() -> tuple[list[int], int]:
        bus, nodes = SimulatedBus(), Nodes()
        async with engine_on(bus, nodes):
            for number, (key, kind) in enumerate([(b"a", "paused"), (b"a", "quick"), (b"b", "slow")]):
                bus.append(key, to(kind, number))
            bus.poll(3)
            await settled_loop()
            revoking = asyncio.create_task(bus.revoke(5.0))
            await settled_loop()
            nodes.gate.set()
            await settled_loop()
            for partition in (0, 1):
                bus.acknowledge(partition)
            await revoking
            await settled_loop()
            return nodes.done, bus.committed

    assert virtually(scenario()) == ([2], 0)


def test_a_pause_that_begins_during_a_revoke_is_a_release() -> None:
    async def scenario() -> tuple[list[int], list[tuple[int, EnumSettlement]]]:
        bus, nodes = SimulatedBus(), Nodes()
        async with engine_on(bus, nodes, window=2):
            for number, (key, kind) in enumerate([(b"a", "slow"), (b"a", "paused"), (b"b", "slow")]):
                bus.append(key, to(kind, number))
            bus.poll(3)
            await settled_loop()
            revoking = asyncio.create_task(bus.revoke(5.0))
            await settled_loop()
            nodes.gate.set()
            await settled_loop()
            for partition in (0, 1):
                bus.acknowledge(partition)
            await revoking
            return nodes.done, [(position, settlement) for _, position, settlement in bus.settled]

    done, settled = virtually(scenario())
    assert sorted(done) == [0, 2]
    assert (1, EnumSettlement.RELEASED) in settled


def test_a_revoke_lets_a_short_wait_end_and_cuts_off_a_long_one() -> None:
    async def scenario(budget_s: float) -> tuple[list[int], int]:
        bus, nodes = SimulatedBus(), Nodes()
        nodes.gate.set()
        async with engine_on(bus, nodes):
            bus.append(b"a", to("later", 0))
            bus.poll(1)
            await settled_loop()
            revoking = asyncio.create_task(bus.revoke(budget_s))
            await asyncio.sleep(5.1)
            for partition in (0, 1):
                bus.acknowledge(partition)
            await revoking
            await settled_loop()
            return nodes.done, bus.committed

    assert virtually(scenario(6.0)) == ([0], 1)
    assert virtually(scenario(1.0)) == ([], 0)


def test_a_bulkhead_lets_so_many_of_its_node_run_and_all_of_the_others() -> None:
    async def scenario() -> tuple[list[int], int]:
        nodes = Nodes()
        async with engine_on(SimulatedBus(), nodes, window=4, limits={"slow": 2}) as engine:
            deliver(engine, [(None, to("slow", number)) for number in range(10)])
            deliver(engine, [(None, to("quick", number)) for number in range(10, 20)])
            await settled_loop(40)
            assert (sorted(nodes.done), nodes.at_work) == (list(range(10, 20)), 2)
            nodes.done.clear()
            nodes.gate.set()
            await settled_loop(80)
            return nodes.done, nodes.most

    done, most = virtually(scenario())
    assert sorted(done) == list(range(10))
    assert most <= 3


def test_a_bulkhead_keeps_the_order_of_each_key() -> None:
    async def scenario() -> list[int]:
        nodes = Nodes()
        async with engine_on(SimulatedBus(), nodes, limits={"slow": 1}) as engine:
            keyed = [(b"ab"[number % 2 : number % 2 + 1], to("slow", number)) for number in range(8)]
            deliver(engine, [*keyed, (b"a", to("quick", 8)), (b"b", to("quick", 9))])
            await settled_loop()
            nodes.gate.set()
            await settled_loop(80)
            return nodes.done

    done = virtually(scenario())
    assert [number for number in done if number % 2 == 0] == [0, 2, 4, 6, 8]
    assert [number for number in done if number % 2 == 1] == [1, 3, 5, 7, 9]


@pytest.mark.parametrize(("late", "letters"), [(False, 0), (True, 1)])
def test_an_open_breaker_is_no_dead_letter_until_the_deadline_has_passed(late: bool, letters: int) -> None:
    now = [0.0]

    class Refusing(Nodes):
        async def route_envelope(self, envelope: ModelOnexEnvelope) -> NodeResult:
            now[0] = 10.0 if late else 0.0
            return await super().route_envelope(envelope)

    async def scenario() -> list[str]:
        bus = SimulatedBus()
        binding = bus_binding()
        clock = Clock(now=lambda: NOW, monotonic=lambda: now[0])
        engine = DeliveryEngine(bus, Refusing(), binding, group="g", clock=clock)
        await bus.subscribe(INPUT, engine)
        bus.assign()
        asked = request(0, ttl_seconds=5, payload={}).model_copy(update={"target_node": "refused"})
        bus.append(b"k", encode(asked))
        bus.poll(1)
        await settled_loop()
        bus.acknowledge(bus.partition_of(b"k"))
        await engine.close()
        answer = decode(bus.published[0].value)
        assert answer.error is not None
        return [answer.error.code, *(message.topic.split(".")[3] for message in bus.published[1:])]

    assert virtually(scenario()) == ["HANDLER_UNAVAILABLE", *["error"] * letters]
