"""The host under test, `onex-host run CONTRACT --host tests.chaos.hosts:RoughHost`; ONEX_CHAOS says what to do."""

import asyncio
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Self

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.operations import operation_table, operations_of
from omnibase_core.description import ModelHandlerDescription, ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts
from omnibase_spi.event_bus import ProtocolEventBus, Source

from tests.chaos.around import BusAround
from tests.chaos.mutants import INBOX_MUTANTS, MUTANTS
from tests.chaos.rough import RoughPublishing

_log = logging.getLogger("onex.chaos")
VARIABLE: Final = "ONEX_CHAOS"


class Treatment(NamedTuple):
    """What a test does to a host. publish_delay_s: at most. publish_failures: a share. mutant: one of MUTANTS.

    tells_pauses: it logs each partition that it pauses. tells_codes: and each error code that a broker answers.
    """

    publish_delay_s: float = 0.0
    publish_failures: float = 0.0
    mutant: str | None = None
    tells_pauses: bool = False
    tells_codes: bool = False

    @classmethod
    def told(cls) -> Self:
        """What the environment says."""
        return cls(**json.loads(os.environ.get(VARIABLE, "{}")))

    def environment(self) -> Mapping[str, str]:
        """What tells a host."""
        return {VARIABLE: json.dumps(self._asdict())}

    def around(self, bus: ProtocolEventBus) -> ProtocolEventBus:
        """The bus as the host gets it."""
        if self.publish_delay_s or self.publish_failures:
            bus = RoughPublishing(bus, self.publish_delay_s, self.publish_failures)
        if self.tells_pauses:
            bus = TellsPauses(bus)
        return bus if self.mutant is None else (MUTANTS | INBOX_MUTANTS)[self.mutant](bus)


AS_EVER: Final = Treatment()


class TellsPauses(BusAround):
    """Logs what the engine pauses."""

    def pause(self, sources: frozenset[Source]) -> None:
        """One line for each partition."""
        for source in sources:
            _log.info("partition %d is paused", source.partition, extra={"event": "chaos.paused"})
        super().pause(sources)


class TellsCodes(logging.Filter):
    """Logs every error code in what brokers answer to the host's own clients, seen where these receive it."""

    @classmethod
    def begin(cls) -> None:
        """Before the bus bounds what the library says, so that it sees all of it."""
        receiving = logging.getLogger("aiokafka.conn")
        receiving.addFilter(cls())
        receiving.setLevel(logging.DEBUG)

    def filter(self, record: logging.LogRecord) -> bool:
        """Lets through what would be logged without us."""
        if record.levelno > logging.DEBUG:
            return True
        answer = record.args[-1] if isinstance(record.args, tuple) and record.args else None
        if hasattr(answer, "to_object") and hasattr(answer, "API_KEY"):
            for code in _codes(answer.to_object()):
                extra = {"event": "chaos.code", "api": answer.API_KEY, "code": code}
                _log.info("a broker answers with an error", extra=extra)
        return False


def _codes(answer: object) -> Iterator[int]:
    """The error codes in an answer."""
    if isinstance(answer, Mapping):
        if answer.get("error_code"):
            yield answer["error_code"]
        parts: Iterable[object] = answer.values()
    else:
        parts = answer if isinstance(answer, list) else ()
    for part in parts:
        yield from _codes(part)


class WorkingHandler:
    """Stands for I/O: waits for the `work_ms` of the request's body, and answers with its key and sequence."""

    handler_type = EnumHandlerType.HTTP

    def __init__(self, clock: Clock) -> None:
        self._now = clock.now

    def describe(self) -> ModelHandlerDescription:
        """As the table says."""
        operations = tuple(operation_table()[name] for name in operations_of(self.handler_type))
        return ModelHandlerDescription(handler_type=self.handler_type, version="1.0.0", operations=operations)

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Needs nothing."""

    async def shutdown(self) -> None:
        """Holds nothing."""

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Waits, and answers."""
        body = (envelope.payload or {})["body"]
        assert isinstance(body, dict)
        work_ms = body["work_ms"]
        assert isinstance(work_ms, int)
        await asyncio.sleep(work_ms / 1000)
        return envelope.reply({"key": body["key"], "sequence": body["sequence"]}, timestamp=self._now())

    async def health_check(self) -> ModelHealth:
        """Healthy."""
        return ModelHealth(status=EnumHealth.HEALTHY)


class RoughHost(BaseRuntimeHostProcess):
    """A host as ever, but for the treatment of its bus, and http handlers that only wait."""

    def __init__(self, parts: HostParts) -> None:
        for guard, _ in parts.handlers:
            if guard.handler_type is EnumHandlerType.HTTP:
                guard.handler = WorkingHandler(parts.clock)
        treatment = Treatment.told()
        if treatment.tells_codes:
            TellsCodes.begin()
        super().__init__(parts._replace(bus=treatment.around(parts.bus)))
