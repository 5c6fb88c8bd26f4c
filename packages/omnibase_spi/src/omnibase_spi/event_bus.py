"""ProtocolEventBus: what brings deliveries in and takes messages out.

The bus owns offsets, epochs, commits and acknowledgements; whoever subscribes owns order, concurrency and
outcomes. Progress is told one delivery at a time (`settle`), so offsets stay inside the bus.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumSettlement
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EventBusError
from omnibase_core.frontier import ModelFrontier

Headers = Sequence[tuple[str, bytes]]


class Source(NamedTuple):
    """One ordered stream within one assignment. In memory: partition 0, epoch 0."""

    topic: str
    partition: int
    epoch: int


class Delivery(NamedTuple):
    """One record that came in. `position` rises within its source and means nothing to the subscriber.

    null: it has no value at all, which on some buses is not the same as an empty one; `value` is empty then.
    """

    source: Source
    position: int
    value: bytes
    key: bytes | None
    headers: Headers
    timestamp_ms: int
    null: bool = False


class Message(NamedTuple):
    """One record to go out. `context` is the publisher's own; the bus gives it back and never reads it.

    null: as in a Delivery.
    """

    topic: str
    value: bytes
    key: bytes | None
    headers: Headers
    context: object = None
    timestamp_ms: int | None = None
    null: bool = False


Acknowledged = Callable[[Message, EventBusError | None], None]


class ProtocolDeliverySink(Protocol):
    """Who takes deliveries. Called on the event loop."""

    def deliver(self, batch: Sequence[Delivery]) -> None:
        """Takes the records, in the order of each source; neither blocks nor raises."""

    def assigned(self, sources: frozenset[Source]) -> None:
        """These streams are ours from now on, and not paused. May come after their first delivery."""

    async def revoked(self, sources: frozenset[Source], budget_s: float) -> None:
        """These streams go away: finishes what was started, releases the rest, within `budget_s` seconds."""


class ProtocolEventBus(Protocol):
    """A bus with at-least-once delivery.

    Life: created -> initialize -> subscribe -> start_consuming -> stop_consuming -> shutdown, which is final.
    """

    async def initialize(self, config: ModelEventBusBinding) -> None:
        """Connects and checks that the topics can be used. Raises EventBusError, ProtocolConfigurationError."""

    async def shutdown(self) -> None:
        """Ends everything; a stream that was not revoked is revoked first. Does nothing when called again."""

    async def publish_envelope(self, envelope: ModelOnexEnvelope, topic: str, *, key: bytes | None = None) -> None:
        """Publishes one envelope and returns when it is safe. Raises EventBusError."""

    def publish_batch(self, messages: Sequence[Message], acknowledged: Acknowledged) -> None:
        """Takes messages to publish, in order, without waiting.

        `acknowledged` is called once for each message, never before this returns, with None when the message
        is safe, else with the error. `error.retryable` False: it will never be taken (too large). True: publish
        it again. Behind a failed message everything queued for the same output partition fails too, in order
        and in the same step of the loop, so order survives republishing; other partitions go on.
        """

    async def subscribe(self, topic: str, handler: ProtocolDeliverySink) -> None:
        """Who takes the deliveries of a topic; before `start_consuming`, once per topic."""

    async def start_consuming(self) -> None:
        """Delivers until `stop_consuming`, in a task of the host."""

    def stop_consuming(self) -> None:
        """No delivery from now on; membership, settling and publishing go on."""

    def pause(self, sources: frozenset[Source]) -> None:
        """Leaves these streams out of the poll; at most the batch that is under way still arrives."""

    def resume(self, sources: frozenset[Source]) -> None:
        """Polls these streams again."""

    def settle(self, delivery: Delivery, settlement: EnumSettlement) -> bool:
        """Records an outcome. RELEASED never advances the frontier. False: nothing changed (an older epoch)."""

    async def flush(self) -> None:
        """Makes settled progress durable, bounded in time."""

    async def renew(self, config: ModelEventBusBinding) -> None:
        """Makes further connections with the secrets of this binding; those that stand go on.

        Raises EventBusError where they are not accepted, and stays as it is.
        """

    def frontier(self) -> Sequence[ModelFrontier]:
        """The progress of each stream that is ours."""

    async def health_check(self) -> ModelHealth:
        """How it is, with figures; never raises."""
