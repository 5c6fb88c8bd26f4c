"""The host process: one loop, one bus, one engine; start and stop as two lists that mirror each other."""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import ClassVar, Self

from omnibase_core.description import ModelHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.frontier import ModelFrontier
from omnibase_core.runtime import ComputeFunction, NodeInstance
from omnibase_core.secret import Secret

from omnibase_infra.config.handlers import find_secrets, with_secrets
from omnibase_infra.guard import Guard
from omnibase_infra.host.assembly import assembled
from omnibase_infra.host.client import Client
from omnibase_infra.host.condition import BUS, Condition, EnumPhase, Look, condition_of, examined
from omnibase_infra.host.ending import Step, end_of, ended, every
from omnibase_infra.host.engine import DeliveryEngine
from omnibase_infra.host.feeding import Publish as Publish
from omnibase_infra.host.feeding import fed, teller
from omnibase_infra.host.parts import HostParts as HostParts
from omnibase_infra.host.parts import Stopped as Stopped
from omnibase_infra.host.rotation import Rotation
from omnibase_infra.host.starting import allow_dns_threads, bus_opened, start_failure_told, unless_stopped
from omnibase_infra.host.tenancy import Tenancy
from omnibase_infra.host.upkeep import Upkeeps
from omnibase_infra.host.versions import check_versions
from omnibase_infra.host.watchdog import Watchdog
from omnibase_infra.telemetry import events
from omnibase_infra.telemetry.meter import BusMeter, Meter

_log = logging.getLogger("onex.host")
_ENDING_S = 9.0


class BaseRuntimeHostProcess:
    """A host of nodes, and the base class of app-specific hosts.

    A subclass names its COMPUTE functions in `compute_functions`, and may bring envelopes in by `feed`.
    A host is opened once: `async with host: await host.run()`. `made_of` is to be read.
    """

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {}
    """The function of each COMPUTE node, by slug: values of the input model in, of the output model out."""

    def __init__(self, parts: HostParts) -> None:
        self.name = parts.name
        self.made_of = parts
        self._stop = asyncio.Event()
        self._ready = False
        self._closed = False
        self.tenancy = Tenancy(parts.name)
        self._handlers: list[Guard] = []
        self._consuming: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._rotation: Rotation | None = None
        self._runtime = assembled(parts.handlers, parts.nodes, self.compute_functions)
        told = teller(self.on_response, parts.binding.max_envelope_bytes)
        self.client = Client(parts.bus, parts.binding, on_reply=told)
        self.meter = Meter(parts.nodes)
        self.bus_meter = parts.bus_meter or BusMeter()
        self.engine = DeliveryEngine(
            parts.bus,
            self._runtime,
            parts.binding,
            group=parts.group,
            clock=parts.clock,
            limits=parts.limits,
            meter=self.meter,
            traces=parts.traces,
        )
        self.traces = parts.traces
        self.start_s = 0.0
        self._look: Look | None = None
        self.watchdog = Watchdog(self.engine, parts.stall_s)
        self._upkeeps = Upkeeps(parts.upkeeps)

    async def feed(self, publish: Publish) -> None:
        """Brings envelopes in, for a host on the in-memory bus; the host stops when this returns.

        `publish` waits while too many are unanswered. Override it together with `on_response`.
        """
        raise NotImplementedError("this host has no ingress of its own")

    def on_response(self, response: ModelOnexEnvelope) -> None:
        """Told of each response to what `feed` published."""

    @classmethod
    def has_feed(cls) -> bool:
        """Whether a subclass brings its own envelopes."""
        return cls.feed is not BaseRuntimeHostProcess.feed

    @property
    def ready(self) -> bool:
        """Everything is up, and the host is not stopping."""
        return self._ready

    @property
    def phase(self) -> EnumPhase:
        """Where it is in its life."""
        if self._closed:
            return EnumPhase.STOPPING
        return EnumPhase.READY if self._ready else EnumPhase.STARTING

    async def condition(self) -> Condition:
        """How it is: bus and handlers are asked, each within three seconds."""
        checks = {guard.name: guard.health_check() for guard in self.handlers}
        parts = await examined({BUS: self.made_of.bus.health_check(), **checks})
        self._look = Look(self.made_of.clock.monotonic(), parts)
        return condition_of(self.phase, parts)

    @property
    def parts_seen(self) -> Mapping[str, ModelHealth]:
        """The health of bus and handlers as last seen by `condition`; empty where that is over a minute ago."""
        return {} if self._look is None else self._look.fresh(self.made_of.clock.monotonic())

    @property
    def handlers(self) -> Sequence[Guard]:
        """Every handler, as the runtime has it."""
        return [guard for guard, _ in self.made_of.handlers]

    def frontier(self) -> Sequence[ModelFrontier]:
        """The progress of each stream that is ours."""
        return self.made_of.bus.frontier()

    @property
    def nodes(self) -> Mapping[str, NodeInstance]:
        """The nodes by slug."""
        return self._runtime.nodes

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close(grace_s=0.0)

    async def open(self, *, consuming: bool = True, replaces: "BaseRuntimeHostProcess | None" = None) -> None:
        """Starts everything, in order; a step that fails undoes those before it, and so does `request_stop`.

        consuming: False, for a check, leaves out what others see: no group is joined, nothing registered.
        replaces: the host of this process that the caller closes once this one is up; it stays the process's
        host where this one does not start.
        Raises ProtocolConfigurationError, SecretResolutionError, and what a handler or the bus raises.
        """
        if self._closed:
            raise ProtocolConfigurationError("A host is opened once; make a new one")
        self.tenancy.claim(None if replaces is None else replaces.tenancy)
        begun = self.made_of.clock.monotonic()
        try:
            with start_failure_told():
                await unless_stopped(self._come_up(consuming), self._stop)
        except BaseException:
            await self.close(grace_s=0.0)
            raise
        if not self._ready:
            await self.close(grace_s=0.0)
            return
        self.start_s = round(self.made_of.clock.monotonic() - begun, 4)
        _log.info("ready", extra={"event": events.HOST_READY, "nodes": len(self.nodes), "start_s": self.start_s})

    async def _come_up(self, consuming: bool) -> None:
        """The steps of the start."""
        parts = self.made_of
        check_versions()
        if self.tenancy.is_first:
            allow_dns_threads()
        if self.traces is not None:
            await self.traces.export.open(parts.resolver)
        self._rotation = await bus_opened(parts, await self._open_handlers())
        self._rotation.start()
        await parts.bus.subscribe(parts.binding.topics.input, self.engine)
        if parts.binding.kind == "inmemory":
            await self.client.subscribe()
        if consuming:
            self._consuming = asyncio.create_task(parts.bus.start_consuming(), name="onex-consume")
            self._consuming.add_done_callback(self._consumed)
            self._upkeeps.start()
        self._watching = asyncio.create_task(self.watchdog.run(), name="onex-watchdog")
        self.tenancy.settle()
        self._ready = True

    def request_stop(self) -> None:
        """Begins the stop; returns at once, and may be called at any time and again."""
        self._stop.set()

    @property
    def bus_lost(self) -> bool:
        """Whether the bus ended by itself, which is none of its business while the host runs."""
        return self._consuming is not None and self._consuming.done() and not self._closed

    async def stopping(self) -> None:
        """Returns when the stop was requested, the feed ended, or the bus is lost."""
        await self._stop.wait()

    async def run(self, *, grace_s: float = 30.0) -> Stopped:
        """Serves until `request_stop`, the end of `feed`, or the loss of the bus; then drains within `grace_s`."""
        feeding = asyncio.create_task(self._feed(), name="onex-feed") if self.has_feed() and self._ready else None
        try:
            await self.stopping()
        finally:
            lost = self.bus_lost
            feed_failed = feeding is not None and await ended(feeding)
        return Stopped(await self.close(grace_s=grace_s), bus_lost=lost, feed_failed=feed_failed)

    async def close(self, *, grace_s: float) -> int:
        """Drains within `grace_s` seconds and ends everything, in the start's reverse order.

        Gives the number of records and submissions that were given up. Does nothing when called again.
        """
        if self._closed:
            return 0
        lost = self.bus_lost
        before = self.engine.progress.given_up  # at a rebalance, which has redelivered it since
        self._closed = True
        self._ready = False
        _log.info("stopping", extra={"event": events.HOST_STOPPING})
        until = asyncio.get_running_loop().time() + grace_s
        wrong: list[str] = []
        try:
            wrong = await every(self._endings(until, lost), until)
        finally:
            given_up, unanswered = self.engine.progress.given_up - before, len(self.client.unanswered)
            self.client.close()
            self.tenancy.release()
            told = {"unfinished": max(given_up, unanswered), "given_up": given_up, "unanswered": unanswered}
            _log.info("stopped", extra={"event": events.HOST_STOPPED, **told, "failed_steps": wrong})
        return max(given_up, unanswered)

    def _endings(self, until: float, bus_lost: bool) -> Iterator[Step]:
        """The steps of the stop, all by `until`; what has no outcome before the last ones is given up.

        A bus whose servers are gone uses up whatever its steps are given, so the last steps have a share kept.
        """
        bus, engine, now = self.made_of.bus, self.engine, asyncio.get_running_loop().time
        yield Step("end of the upkeeps", self._upkeeps.stop, bounded=False)
        drained = until - min(_ENDING_S, (until - now()) / 3)
        if not bus_lost:
            yield Step("wait for answers", lambda by: self.client.idle_by(min(by, drained)), bounded=False)
        yield Step("end of deliveries", lambda _: bus.stop_consuming())
        yield Step("drain", lambda by: engine.drain(min(by, drained)), bounded=False)
        yield Step("flush of the bus", lambda _: bus.flush())
        yield Step("end of the lanes", lambda _: engine.close())
        if (rotation := self._rotation) is not None:
            yield Step("end of the rotation of secrets", lambda _: rotation.close())
        for guard in reversed(self._handlers):
            yield Step(f"shutdown of handler {guard.name}", partial(_shut_down, guard))
        yield Step("shutdown of the bus", lambda _: bus.shutdown())
        for task in (self._consuming, self._watching):
            if task is not None:
                yield end_of(task)
        if (traces := self.traces) is not None:
            yield Step("export of the last spans", traces.export.close, bounded=False)
        yield Step("end of the secrets' places", lambda _: self.made_of.resolver.close())

    def _consumed(self, consuming: asyncio.Task[None]) -> None:
        """Consuming has ended: as it was asked to, or because the bus is lost."""
        self._stop.set()
        if self.bus_lost:
            error = None if consuming.cancelled() else consuming.exception()
            _log.critical("the bus is lost", exc_info=error, extra={"event": events.HOST_BUS_LOST})
            self.client.close()

    async def _open_handlers(self) -> Mapping[str, Secret]:
        handlers, resolver = self.made_of.handlers, self.made_of.resolver
        secrets = await find_secrets([binding for _, binding in handlers], resolver)
        for guard, binding in handlers:
            self._handlers.append(guard)
            await guard.handler.initialize(with_secrets(binding, secrets))
            _log.info("handler ready", extra={"event": events.HANDLER_INITIALIZED, "handler": guard.name})
        return secrets

    async def _feed(self) -> None:
        try:
            await fed(self.feed, self.client)
        finally:
            self._stop.set()


async def _shut_down(guard: Guard, _: float) -> None:
    await guard.handler.shutdown()
