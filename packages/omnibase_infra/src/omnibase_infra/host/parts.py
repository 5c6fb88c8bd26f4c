"""What a host is made of, and how it ended."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from omnibase_core.contracts.bindings import ModelEventBusBinding, ModelHandlerBinding
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_spi.event_bus import ProtocolEventBus

from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.guard import Guard
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.rotation import MakeHandler
from omnibase_infra.host.upkeep import Upkeep
from omnibase_infra.telemetry.meter import BusMeter

if TYPE_CHECKING:
    from omnibase_infra.host.traces import Traces


class HostParts(NamedTuple):
    """What `wiring` makes of a contract: everything that a host runs, nothing of it started.

    group: the consumer group, or the host's name where the bus has none. limits: max_inflight of nodes, by slug.
    stall_s: without any outcome for so long, though there is work, the host is stalled.
    make: a handler of a binding, for when its secrets change. upkeeps: kept up while the host is ready.
    bus_meter: where the bus counts, None for one that does not. traces: None without the contract's.
    """

    name: str
    group: str
    bus: ProtocolEventBus
    binding: ModelEventBusBinding
    handlers: Sequence[tuple[Guard, ModelHandlerBinding]]
    nodes: Sequence[ModelNodeContract]
    resolver: SecretResolver
    make: MakeHandler
    clock: Clock = Clock()
    limits: Mapping[str, int] | None = None
    stall_s: float = 120.0
    upkeeps: Sequence[Upkeep] = ()
    bus_meter: BusMeter | None = None
    traces: "Traces | None" = None


class Stopped(NamedTuple):
    """How a host ended. unfinished: records and submissions that were given up. feed_failed: `feed` raised."""

    unfinished: int
    bus_lost: bool = False
    feed_failed: bool = False
