"""The host process: one list of steps up, the same list down, and nothing lost in silence on the way."""

import asyncio
import gc
import logging
from collections.abc import Mapping, Sequence
from typing import ClassVar

import pytest
from omnibase_core.codec import decode
from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.enums import EnumHandlerType, EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError, ProtocolConfigurationError, RuntimeHostError, SecretResolutionError
from omnibase_core.runtime import ComputeFunction
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_infra.host.collector import YOUNG_OBJECTS
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts, Publish, Stopped
from omnibase_spi.event_bus import Delivery, ProtocolDeliverySink, Source

from tests.fakes.handlers import Gate, ScriptedHandler, handler_binding
from tests.fakes.hosts import COMPUTE, EFFECT, asking, doubled, parts
from tests.fakes.runtimes import bus_binding, settled_loop


class Diary(InMemoryEventBus):
    """A bus that notes its life. breaks: the name of the step that fails."""

    def __init__(self, diary: list[str], breaks: str = "") -> None:
        super().__init__()
        self.diary = diary
        self.breaks = breaks
        self.settled: list[tuple[int, EnumSettlement]] = []

    def note(self, step: str) -> None:
        """Notes the step, or fails in it."""
        self.diary.append(f"bus {step}")
        if step == self.breaks:
            raise EventBusError(f"no {step}")

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Up."""
        self.note("up")
        await super().initialize(config)

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """Subscribes."""
        self.note(f"subscribe {topic.split('.')[3]}")
        await super().subscribe(topic, handler)

    async def start_consuming(self) -> None:
        """Consumes, or dies at once."""
        self.note("consume")
        await super().start_consuming()

    async def flush(self) -> None:
        """Flushes."""
        self.note("flush")

    async def shutdown(self) -> None:
        """Down."""
        self.note("down")
        await super().shutdown()

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Notes what becomes of requests."""
        if delivery.source.topic.endswith(".cmd.v1"):
            self.settled.append((delivery.position, settlement))
        return super().settle(delivery, settlement)


class Mortal(InMemoryEventBus):
    """A bus that is lost when the test says so."""

    def __init__(self) -> None:
        super().__init__()
        self.death = asyncio.Event()

    async def start_consuming(self) -> None:
        """Until its death."""
        consuming = asyncio.create_task(super().start_consuming())
        await self.death.wait()
        consuming.cancel()
        raise EventBusError("the broker is gone")


class DoublingHost(BaseRuntimeHostProcess):
    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"doubler": doubled}


class FeedingHost(DoublingHost):
    """Feeds what the test says."""

    def __init__(self, its: HostParts) -> None:
        super().__init__(its)
        self.doubles: list[object] = []

    async def feed(self, publish: Publish) -> None:
        """Five requests."""
        for number in range(5):
            await publish(asking(number, "doubler"))

    def on_response(self, response: ModelOnexEnvelope) -> None:
        """Keeps the results."""
        self.doubles.append((response.payload or {}).get("double"))


UP = ["bus up", "bus subscribe cmd", "bus subscribe evt", "bus subscribe error"]


@pytest.mark.asyncio
async def test_what_is_started_in_order_is_ended_in_reverse_each_once() -> None:
    diary: list[str] = []
    handlers = [ScriptedHandler(name=name, diary=diary) for name in ("http", "second", "third")]
    host = BaseRuntimeHostProcess(parts(handlers, bus=Diary(diary)))
    async with host:
        await settled_loop()
        ready = [host.ready]
        assert list(host.nodes) == ["pages"]
        assert await host.close(grace_s=1.0) == 0
        assert [*ready, host.ready] == [True, False]
        assert await host.close(grace_s=1.0) == 0
    assert diary == [
        *("http up", "second up", "third up", *UP, "bus consume"),
        *("bus flush", "third down", "second down", "http down", "bus down"),
    ]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("breaks", "started"),
    [
        ("up", 3),
        ("subscribe cmd", 4),
        ("subscribe evt", 5),
        ("subscribe error", 6),
    ],
)
async def test_a_bus_that_fails_while_it_starts_undoes_what_was_started(breaks: str, started: int) -> None:
    diary: list[str] = []
    handlers = [ScriptedHandler(name=name, diary=diary) for name in ("http", "second")]
    host = BaseRuntimeHostProcess(parts(handlers, bus=Diary(diary, breaks)))
    with pytest.raises(EventBusError, match=f"no {breaks}"):
        await host.open()
    assert diary[: started - 1] == ["http up", "second up", *UP][: started - 1]
    assert diary[-3:] == ["second down", "http down", "bus down"]
    assert not host.ready
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])):
        pass


@pytest.mark.asyncio
@pytest.mark.parametrize("error", [EventBusError("typed"), KeyError("raw"), asyncio.CancelledError()])
async def test_a_handler_that_fails_to_start_undoes_those_before_it(error: BaseException) -> None:
    diary: list[str] = []
    handlers = [
        ScriptedHandler(name="http", diary=diary),
        ScriptedHandler(name="second", diary=diary, fails=error),
        ScriptedHandler(name="third", diary=diary),
    ]
    host = BaseRuntimeHostProcess(parts(handlers, bus=Diary(diary)))
    with pytest.raises(type(error)):
        await host.open()
    assert diary == ["http up", "second up", "bus flush", "second down", "http down", "bus down"]


@pytest.mark.asyncio
async def test_a_missing_secret_ends_the_start_before_any_handler_is_up() -> None:
    diary: list[str] = []
    config = {"dsn": {"secret_ref": "orders/dsn"}}
    db = ScriptedHandler(EnumHandlerType.DB, name="db", diary=diary)
    handlers = [
        (ScriptedHandler(name="http", diary=diary), handler_binding()),
        (db, handler_binding(EnumHandlerType.DB, config)),
    ]
    with pytest.raises(SecretResolutionError, match=r"handler 'db', config\.dsn: no secret 'orders/dsn'"):
        await BaseRuntimeHostProcess(parts(handlers, bus=Diary(diary))).open()
    assert diary == ["bus flush", "bus down"]
    known = parts(handlers, secrets={"ONEX_SECRET_ORDERS_DSN": "postgresql://u:p@h/d"})
    async with BaseRuntimeHostProcess(known):
        assert db.binding is not None
        assert "postgresql" not in repr(db.binding)


@pytest.mark.asyncio
async def test_a_successor_is_up_before_the_one_that_it_replaces_ends() -> None:
    first = BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")]))
    second = BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")]))
    async with first:
        await second.open(replaces=first)
        assert (first.ready, second.ready) == (True, True)
        assert (await first.client.request(asking(1))).success
    assert (await second.client.request(asking(2))).success
    await second.close(grace_s=0.0)
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as third:
        assert third.ready


@pytest.mark.asyncio
async def test_a_successor_that_does_not_start_leaves_the_process_to_the_one_before() -> None:
    broken = BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")], bus=Diary([], breaks="up")))
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        with pytest.raises(EventBusError):
            await broken.open(replaces=host)
        assert (await host.client.request(asking(1))).success
        with pytest.raises(ProtocolConfigurationError, match="already runs the host"):
            await BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])).open()


@pytest.mark.asyncio
async def test_a_process_runs_one_host_at_a_time() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        second = BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")]))
        with pytest.raises(ProtocolConfigurationError, match="already runs the host 'test_host'"):
            await second.open()
        assert host.ready
        assert (await host.client.request(asking(1))).success
    async with second:
        assert second.ready


@pytest.mark.asyncio
async def test_the_collector_is_less_eager_only_while_a_host_runs() -> None:
    before = gc.get_threshold()
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])):
        assert gc.get_threshold() == (max(before[0], YOUNG_OBJECTS), *before[1:])
    assert gc.get_threshold() == before


@pytest.mark.asyncio
async def test_a_host_is_opened_once() -> None:
    host = BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")]))
    async with host:
        pass
    with pytest.raises(ProtocolConfigurationError, match="opened once; make a new one"):
        await host.open()


@pytest.mark.asyncio
async def test_a_step_of_the_stop_that_fails_keeps_no_other_from_its_turn(
    caplog: pytest.LogCaptureFixture,
) -> None:
    diary: list[str] = []
    handlers = [
        ScriptedHandler(name="http", diary=diary),
        ScriptedHandler(name="second", diary=diary, dies=KeyError("x")),
    ]
    async with BaseRuntimeHostProcess(parts(handlers, bus=Diary(diary, "flush"))) as host:
        with caplog.at_level(logging.ERROR):
            assert await host.close(grace_s=1.0) == 0
    assert diary[-4:] == ["bus flush", "second down", "http down", "bus down"]
    failed = [record.getMessage() for record in caplog.records if vars(record)["event"] == "host.step_failed"]
    assert failed == ["flush of the bus failed", "shutdown of handler second failed"]


@pytest.mark.asyncio
async def test_a_stop_that_is_cancelled_leaves_the_process_free_for_another_host() -> None:
    gate = Gate()
    host = BaseRuntimeHostProcess(parts([ScriptedHandler(perform=gate.perform, name="http")]))
    await host.open()
    asked = asyncio.create_task(host.client.request(asking(1)))
    await settled_loop(20)
    closing = asyncio.create_task(host.close(grace_s=60))
    await settled_loop()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(EventBusError):
        await asyncio.wait_for(asked, 1)
    await host.engine.close()
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])):
        pass


# Serving and stopping


@pytest.mark.asyncio
async def test_requests_in_flight_at_the_stop_are_finished_and_answered() -> None:
    gate = Gate()
    diary: list[str] = []
    bus = Diary(diary)
    host = BaseRuntimeHostProcess(parts([ScriptedHandler(perform=gate.perform, name="http")], bus=bus))
    async with host:
        asked = [asyncio.create_task(host.client.request(asking(number))) for number in range(10)]
        await settled_loop(20)
        assert gate.waiting == 10
        serving = asyncio.create_task(host.run(grace_s=5))
        host.request_stop()
        host.request_stop()
        await settled_loop()
        assert not host.ready
        gate.opened.set()
        assert await serving == Stopped(0)
        assert all(response.success for response in await asyncio.gather(*asked))
    assert sorted(bus.settled) == [(number, EnumSettlement.DONE) for number in range(10)]
    assert gate.cancelled == 0


@pytest.mark.asyncio
async def test_what_the_grace_is_too_short_for_is_counted_settled_by_nobody_and_ended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate()
    diary: list[str] = []
    handler = ScriptedHandler(perform=gate.perform, name="http", diary=diary)
    bus = Diary(diary)
    async with BaseRuntimeHostProcess(parts([handler], bus=bus)) as host:
        asked = [asyncio.create_task(host.client.request(asking(number))) for number in range(3)]
        await settled_loop(20)
        host.request_stop()
        with caplog.at_level(logging.WARNING):
            assert await host.run(grace_s=0.05) == Stopped(3)
        for request in asked:
            with pytest.raises(EventBusError, match="may or may not have run"):
                await asyncio.wait_for(request, 1)
    assert {settlement for _, settlement in bus.settled} == {EnumSettlement.RELEASED}
    assert bus.frontier()[0].next_position == 0
    assert gate.cancelled == 3
    [told] = [vars(record) for record in caplog.records if vars(record).get("event") == "engine.gave_up"]
    assert told["correlation_ids"] == [asking(number).correlation_id for number in range(3)]
    assert (told["offset"], told["last_offset"]) == (0, 2)


@pytest.mark.asyncio
async def test_what_was_given_up_at_a_rebalance_long_ago_is_no_part_of_the_stop() -> None:
    gate = Gate()
    bus = InMemoryEventBus()
    its = parts([ScriptedHandler(perform=gate.perform, name="http")], bus=bus)
    topic = its.binding.topics.input
    async with BaseRuntimeHostProcess(its) as host:
        await bus.publish_envelope(asking(1), topic)
        await settled_loop(20)
        await host.engine.revoked(frozenset((Source(topic, 0, 0),)), 0.0)
        assert host.engine.progress.given_up == 1
        assert await host.close(grace_s=1.0) == 0


@pytest.mark.asyncio
async def test_what_is_given_up_is_ended_before_its_handler_is_shut_down() -> None:
    gate = Gate()
    handler = ScriptedHandler(perform=gate.perform, name="http")
    seen: list[int] = []

    class Watching(list[str]):
        def append(self, entry: str) -> None:
            seen.append(gate.cancelled)
            super().append(entry)

    handler.diary = Watching()
    async with BaseRuntimeHostProcess(parts([handler])) as host:
        asked = asyncio.create_task(host.client.request(asking(1)))
        await settled_loop(20)
        await host.close(grace_s=0.0)
        assert seen == [0, 1]
        with pytest.raises(EventBusError):
            await asked


@pytest.mark.asyncio
async def test_a_stop_that_comes_during_the_start_is_a_stop_right_after_it() -> None:
    diary: list[str] = []
    host = BaseRuntimeHostProcess(parts([ScriptedHandler(name="http", diary=diary)], bus=Diary(diary)))
    host.request_stop()
    async with host:
        assert await asyncio.wait_for(host.run(grace_s=1.0), 1) == Stopped(0)
    assert diary[-2:] == ["http down", "bus down"]


@pytest.mark.asyncio
async def test_a_bus_that_is_lost_ends_the_host_and_every_wait_for_a_reply(
    caplog: pytest.LogCaptureFixture,
) -> None:
    gate = Gate()
    bus = Mortal()
    host = BaseRuntimeHostProcess(parts([ScriptedHandler(perform=gate.perform, name="http")], bus=bus))
    async with host:
        asked = asyncio.create_task(host.client.request(asking(1)))
        await settled_loop(20)
        bus.death.set()
        with pytest.raises(EventBusError):
            await asyncio.wait_for(asked, 1)
        assert await host.run(grace_s=0.05) == Stopped(1, bus_lost=True)
    assert any(vars(record).get("event") == "host.bus_lost" for record in caplog.records)


@pytest.mark.asyncio
async def test_a_bus_that_dies_as_soon_as_it_consumes_is_lost() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")], bus=Diary([], "consume"))) as host:
        assert await asyncio.wait_for(host.run(grace_s=5), 5) == Stopped(0, bus_lost=True)
        assert not host.bus_lost


@pytest.mark.asyncio
async def test_a_clean_stop_is_no_lost_bus() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        await settled_loop()
        assert not host.bus_lost
        host.request_stop()
        assert await host.run(grace_s=1) == Stopped(0)


# Feeds


@pytest.mark.asyncio
async def test_a_host_that_feeds_itself_ends_when_everything_is_answered() -> None:
    host = FeedingHost(parts(nodes=(COMPUTE,)))
    assert FeedingHost.has_feed()
    assert not DoublingHost.has_feed()
    async with host:
        assert await host.run(grace_s=1.0) == Stopped(0)
    assert sorted(map(str, host.doubles)) == ["0", "2", "4", "6", "8"]


@pytest.mark.asyncio
async def test_a_feed_is_ended_by_a_stop_and_what_it_published_is_answered() -> None:
    class Endless(FeedingHost):
        async def feed(self, publish: Publish) -> None:
            await super().feed(publish)
            self.request_stop()
            await asyncio.Event().wait()

    host = Endless(parts(nodes=(COMPUTE,)))
    async with host:
        assert await host.run(grace_s=1.0) == Stopped(0)
    assert len(host.doubles) == 5


@pytest.mark.asyncio
async def test_a_feed_that_raises_ends_the_host_in_good_order_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Failing(FeedingHost):
        async def feed(self, publish: Publish) -> None:
            await super().feed(publish)
            raise KeyError("no more files")

    host = Failing(parts(nodes=(COMPUTE,)))
    async with host:
        assert await host.run(grace_s=1.0) == Stopped(0, feed_failed=True)
    assert len(host.doubles) == 5
    (line,) = [record for record in caplog.records if vars(record).get("event") == "host.task_failed"]
    assert line.getMessage() == "onex-feed failed"
    assert line.exc_info is not None


@pytest.mark.asyncio
async def test_on_response_that_raises_costs_no_other_response(caplog: pytest.LogCaptureFixture) -> None:
    class Fussy(FeedingHost):
        def on_response(self, response: ModelOnexEnvelope) -> None:
            super().on_response(response)
            raise ValueError("not what I wanted")

    host = Fussy(parts(nodes=(COMPUTE,)))
    async with host:
        assert await host.run(grace_s=1.0) == Stopped(0)
    assert len(host.doubles) == 5
    lines = [record for record in caplog.records if vars(record).get("event") == "host.response_failed"]
    assert {vars(line)["correlation_id"] for line in lines} == {
        asking(number).correlation_id for number in range(5)
    }


@pytest.mark.asyncio
async def test_what_a_feed_publishes_and_nobody_takes_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Responding(FeedingHost):
        async def feed(self, publish: Publish) -> None:
            request = asking(1, "doubler")
            await publish(request.reply({}, timestamp=request.timestamp))

    host = Responding(parts(nodes=(COMPUTE,)))
    async with host:
        assert await host.run(grace_s=1.0) == Stopped(0)
    assert host.doubles == []
    (line,) = [record for record in caplog.records if vars(record).get("event") == "host.feed_refused"]
    assert "$.is_response" in line.getMessage()


@pytest.mark.asyncio
async def test_a_host_without_a_feed_of_its_own_has_none_to_run() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="http")])) as host:
        with pytest.raises(NotImplementedError):
            await host.feed(_publish_nothing)
        host.on_response(asking(1).reply({}, timestamp=asking(1).timestamp))


async def _publish_nothing(envelope: ModelOnexEnvelope) -> None:
    pass


# Assembly


@pytest.mark.parametrize(
    ("host", "nodes", "sentence"),
    [
        (BaseRuntimeHostProcess, (COMPUTE,), "COMPUTE node 'doubler' has no function"),
        (DoublingHost, (EFFECT,), "nodes that the contract does not have: doubler"),
        (DoublingHost, (COMPUTE, COMPUTE), "Two nodes have the slug 'doubler'"),
    ],
)
def test_functions_and_nodes_must_fit_together(
    host: type[BaseRuntimeHostProcess], nodes: Sequence[object], sentence: str
) -> None:
    with pytest.raises(ProtocolConfigurationError, match=sentence):
        host(parts(nodes=nodes))  # type: ignore[arg-type]  # they are node contracts


@pytest.mark.asyncio
async def test_a_missing_handler_is_answered_with_those_that_there_are() -> None:
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(name="other")])) as host:
        response = await host.client.request(asking(1))
        assert response.error is not None
        assert response.error.details["available_handlers"] == ["other"]


@pytest.mark.asyncio
async def test_an_error_of_a_handler_comes_back_with_everything_that_belongs_to_it() -> None:
    async def fail(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        raise RuntimeHostError("no luck", details={"why": "luck"})

    async with BaseRuntimeHostProcess(parts([ScriptedHandler(perform=fail, name="http")])) as host:
        response = await host.client.request(asking(1))
    assert decode(response.model_dump_json().encode()) == response
    assert response.correlation_id == asking(1).correlation_id
    assert response.error is not None
    assert (response.error.operation, response.error.handler_type) == ("http.get", EnumHandlerType.HTTP)
    assert response.error.details == {"why": "luck"}


@pytest.mark.asyncio
async def test_on_another_bus_the_host_takes_only_its_input_topic() -> None:
    diary: list[str] = []
    binding = bus_binding().model_copy(update={"kind": "kafka"})
    its = parts([ScriptedHandler(name="http")], bus=Diary(diary), binding=binding)
    async with BaseRuntimeHostProcess(its):
        pass
    assert [entry for entry in diary if entry.startswith("bus subscribe")] == ["bus subscribe cmd"]
