"""Start and stop killed at every step: whatever happens, each handler that began is shut down exactly once."""

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import ClassVar, Literal

import pytest
from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelHandlerBinding
from omnibase_core.errors import EventBusError
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.event_bus.inmemory import InMemoryEventBus
from omnibase_infra.host.condition import EnumPhase
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts, Stopped
from omnibase_infra.host.upkeep import Upkeep
from omnibase_spi.event_bus import ProtocolDeliverySink

from tests.fakes.handlers import Gate, ScriptedHandler
from tests.fakes.hosts import asking, parts
from tests.fakes.waiting import until

How = Literal["fails", "raises cancelled", "hangs"]
STARTS = ("first up", "second up", "third up", "bus up", "bus subscribe")
STOPS = (
    *("upkeep end", "bus stop", "bus revoke", "bus flush"),
    *("third down", "second down", "first down", "bus down", "places end"),
)
ENDLESS = [
    step for step in STOPS if step not in ("bus stop", "bus revoke")
]  # one cannot wait, one has its own bound


class Trouble:
    """What happens in one step. met: that it was reached."""

    def __init__(self, step: str, how: How) -> None:
        self.step = step
        self.how = how
        self.met = asyncio.Event()

    def at_once(self, step: str) -> None:
        """Meets a step that cannot wait."""
        if step == self.step:
            self.met.set()
            if self.how == "fails":
                raise KeyError(step)

    async def at(self, step: str) -> None:
        """Meets the step."""
        if step == self.step and self.how == "raises cancelled":
            self.met.set()
            raise asyncio.CancelledError
        self.at_once(step)
        if step == self.step:
            await asyncio.Event().wait()


class Recording(ScriptedHandler):
    """A handler of the host under test."""

    trouble: ClassVar[Trouble]

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Up."""
        await super().initialize(config)
        await self.trouble.at(f"{self.name} up")

    async def shutdown(self) -> None:
        """Down."""
        await super().shutdown()
        await self.trouble.at(f"{self.name} down")


class Bus(InMemoryEventBus):
    """Its bus."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__()
        self.trouble = trouble

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Up."""
        await super().initialize(config)
        await self.trouble.at("bus up")

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """Subscribes."""
        await super().subscribe(topic, handler)
        await self.trouble.at("bus subscribe")

    def stop_consuming(self) -> None:
        """Delivers no more."""
        super().stop_consuming()
        self.trouble.at_once("bus stop")

    async def flush(self) -> None:
        """Commits."""
        await self.trouble.at("bus flush")

    async def shutdown(self) -> None:
        """Down."""
        await super().shutdown()
        await self.trouble.at("bus down")


class Places(SecretResolver):
    """Its secrets' places."""

    trouble: ClassVar[Trouble]

    async def close(self) -> None:
        """Closed."""
        await self.trouble.at("places end")


def host_of(trouble: Trouble, monkeypatch: pytest.MonkeyPatch) -> tuple[BaseRuntimeHostProcess, list[str]]:
    """A host that meets this trouble, and the diary of its handlers."""
    diary: list[str] = []
    for place in (Recording, Places):
        monkeypatch.setattr(place, "trouble", trouble, raising=False)
    handlers = [Recording(name=name, diary=diary) for name in ("first", "second", "third")]

    async def keep() -> float:
        return 60.0

    async def end() -> None:
        await trouble.at("upkeep end")

    its: HostParts = parts(handlers, bus=Bus(trouble))
    its = its._replace(resolver=Places([]), upkeeps=[Upkeep("sign of life", keep, end)])
    host = BaseRuntimeHostProcess(its)
    if trouble.step == "bus revoke":
        monkeypatch.setattr(host.engine, "revoked", lambda *_: trouble.at("bus revoke"))
        monkeypatch.setattr(host.engine, "drain", lambda *_: trouble.at("bus revoke"))
    return host, diary


def assert_over(host: BaseRuntimeHostProcess, diary: list[str]) -> None:
    """Every handler that began is down, once; the last to begin is the first to end."""
    began = [entry.removesuffix(" up") for entry in diary if entry.endswith(" up")]
    ended = [entry.removesuffix(" down") for entry in diary if entry.endswith(" down")]
    assert ended == began[::-1]
    assert set(Counter(ended).values()) <= {1}
    assert host.phase is EnumPhase.STOPPING
    mine = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("onex-")]
    assert mine == []


# The start


@pytest.mark.asyncio
@pytest.mark.parametrize("step", STARTS)
@pytest.mark.parametrize("how", ["fails", "raises cancelled"])
async def test_a_start_that_fails_at_any_step_is_undone(
    step: str, how: How, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = Trouble(step, how)
    host, diary = host_of(trouble, monkeypatch)
    with pytest.raises((KeyError, asyncio.CancelledError)):
        await host.open()
    assert trouble.met.is_set()
    assert_over(host, diary)


@pytest.mark.asyncio
@pytest.mark.parametrize("step", STARTS)
async def test_a_start_that_is_cancelled_at_any_step_is_undone(
    step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trouble = Trouble(step, "hangs")
    host, diary = host_of(trouble, monkeypatch)
    opening = asyncio.create_task(host.open())
    await trouble.met.wait()
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert_over(host, diary)
    assert [line for line in caplog.records if vars(line).get("event") == "host.start_failed"]


@pytest.mark.asyncio
@pytest.mark.parametrize("step", STARTS)
async def test_a_stop_that_comes_while_a_step_of_the_start_hangs_is_a_stop_in_good_order(
    step: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trouble = Trouble(step, "hangs")
    host, diary = host_of(trouble, monkeypatch)

    async def life() -> Stopped:
        async with host:
            return await host.run(grace_s=5.0)

    living = asyncio.create_task(life())
    await trouble.met.wait()
    host.request_stop()
    assert await asyncio.wait_for(living, 5) == Stopped(0)
    assert_over(host, diary)
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] == []


# The stop


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("step", "how"), [*((step, "fails") for step in STOPS), *((step, "hangs") for step in ENDLESS)]
)
async def test_a_step_of_the_stop_that_fails_or_hangs_keeps_no_other_from_its_turn(
    step: str, how: How, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trouble = Trouble(step, how)
    host, diary = host_of(trouble, monkeypatch)
    await host.open()
    await asyncio.wait_for(host.close(grace_s=0.2), 10)
    assert trouble.met.is_set()
    assert_over(host, diary)
    assert [line for line in caplog.records if vars(line).get("event") == "host.step_failed"]


@pytest.mark.asyncio
@pytest.mark.parametrize("step", [*ENDLESS, "bus revoke"])
async def test_a_stop_that_is_cancelled_at_any_step_is_short_and_whole(
    step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble = Trouble(step, "hangs")
    host, diary = host_of(trouble, monkeypatch)
    await host.open()
    closing = asyncio.create_task(host.close(grace_s=60.0))
    await trouble.met.wait()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(closing, 10)
    assert_over(host, diary)


@pytest.mark.asyncio
async def test_a_stop_that_is_cancelled_again_and_again_shuts_every_handler_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, diary = host_of(Trouble("", "hangs"), monkeypatch)
    await host.open()
    closing = asyncio.create_task(host.close(grace_s=60.0))
    while not closing.done():
        await asyncio.sleep(0)
        closing.cancel()
    with suppress(asyncio.CancelledError):
        await closing
    await until(lambda: len(asyncio.all_tasks()) == 1)
    assert_over(host, diary)


@pytest.mark.asyncio
async def test_a_host_whose_main_task_is_cancelled_shuts_every_handler_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host, diary = host_of(Trouble("", "fails"), monkeypatch)

    async def life() -> None:
        async with host:
            await host.run(grace_s=60.0)

    living = asyncio.create_task(life())
    await until(lambda: host.ready)
    living.cancel()
    with pytest.raises(asyncio.CancelledError):
        await living
    assert_over(host, diary)


@pytest.mark.asyncio
async def test_the_stop_reports_the_steps_that_went_wrong(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    host, diary = host_of(Trouble("second down", "fails"), monkeypatch)
    await host.open()
    with caplog.at_level(logging.INFO):
        assert await host.close(grace_s=0.1) == 0
    (report,) = [vars(line) for line in caplog.records if vars(line).get("event") == "host.stopped"]
    assert (report["given_up"], report["unanswered"]) == (0, 0)
    assert report["failed_steps"] == ["shutdown of handler second"]
    assert_over(host, diary)


@pytest.mark.asyncio
async def test_the_stop_reports_what_it_gave_up(caplog: pytest.LogCaptureFixture) -> None:
    gate = Gate()
    async with BaseRuntimeHostProcess(parts([ScriptedHandler(perform=gate.perform, name="http")])) as host:
        asked = asyncio.create_task(host.client.request(asking(1)))
        await until(lambda: gate.waiting == 1)
        with caplog.at_level(logging.INFO):
            assert await host.close(grace_s=0.05) == 1
        with pytest.raises(EventBusError):
            await asked
    (report,) = [vars(line) for line in caplog.records if vars(line).get("event") == "host.stopped"]
    assert (report["given_up"], report["unanswered"], report["failed_steps"]) == (1, 1, [])
