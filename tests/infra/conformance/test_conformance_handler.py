"""The handlers of this repository keep what the protocol promises."""

import pytest
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHandlerConfig, ModelHttpConfig
from omnibase_core.enums import EnumHandlerType
from omnibase_core.local.handler import LocalHandler
from omnibase_infra.handlers.http_handler import HttpHandler
from omnibase_infra.transports.http import HttpTransport
from omnibase_spi.conformance import HANDLER_CHECKS, HandlerCheck, check_handler

from tests.fakes.http_server import HttpServer, replying
from tests.fakes.memory_vault import NOW, SAMPLE, MemoryVault, vault_binding

each_check = pytest.mark.parametrize("check", HANDLER_CHECKS, ids=lambda check: check.__name__)


@pytest.mark.asyncio
async def test_all_checks_pass_one_after_the_other() -> None:
    await check_handler(MemoryVault, vault_binding(), SAMPLE)


@pytest.mark.asyncio
@each_check
@pytest.mark.parametrize("operation", ["http.get", "http.post"])
async def test_the_http_handler_conforms(check: HandlerCheck, operation: str) -> None:
    async with HttpServer(replying(200, {"id": 7})) as server:
        config = ModelHttpConfig(base_url=server.url, allow_private=("127.0.0.0/8",))
        await check(
            lambda: HttpHandler(HttpTransport, lambda: NOW),
            ModelHandlerBinding(type=EnumHandlerType.HTTP, name="http", timeout_ms=5_000, config=config),
            SAMPLE.model_copy(update={"operation": operation, "payload": {"url": "/things"}}),
        )


@pytest.mark.asyncio
@each_check
async def test_the_local_handler_conforms(check: HandlerCheck) -> None:
    binding = ModelHandlerBinding(type=EnumHandlerType.LOCAL, name="local", config=ModelHandlerConfig())
    await check(LocalHandler, binding, SAMPLE.model_copy(update={"operation": "local.echo"}))
