"""LocalHandler, which cannot know the protocol, keeps what it promises."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.runtime_host import ModelOpenHandlerConfig
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.local.handler import LocalHandler
from omnibase_spi.conformance import HANDLER_CHECKS, HandlerCheck
from omnibase_spi.handler import ProtocolHandler

BINDING = ModelHandlerBinding(type=EnumHandlerType.LOCAL, name="local", config=ModelOpenHandlerConfig())
SAMPLE = ModelOnexEnvelope(
    envelope_id=UUID(int=1),
    correlation_id=UUID(int=2),
    target_node="echo_effect",
    operation="local.echo",
    payload={"text": "hello"},
    timestamp=datetime(2026, 1, 31, 12, tzinfo=UTC),
)


@pytest.mark.asyncio
@pytest.mark.parametrize("check", HANDLER_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("operation", ["local.echo", "local.transform"])
async def test_the_local_handler_conforms(check: HandlerCheck, operation: str) -> None:
    await check(LocalHandler, BINDING, SAMPLE.model_copy(update={"operation": operation}))


def test_a_type_checker_takes_it_for_a_handler() -> None:
    handler: ProtocolHandler = LocalHandler()
    assert handler.handler_type is EnumHandlerType.LOCAL
