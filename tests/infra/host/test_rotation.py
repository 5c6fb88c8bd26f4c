"""Secrets that change while handlers are at work: built beside, tried, swapped, the old one ended when done."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.handler_config import ModelHttpConfig
from omnibase_core.description import ModelHealth
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import HandlerAuthenticationError, HandlerConnectionError
from omnibase_core.secret import ModelSecretRef, Secret
from omnibase_infra.config.handlers import find_secrets, with_secrets
from omnibase_infra.config.secret_files import Absent
from omnibase_infra.config.secrets import EnvironmentSecrets, SecretResolver
from omnibase_infra.guard import CutOff, Guard
from omnibase_infra.host.rotation import Rotation
from omnibase_spi.handler import ProtocolHandler

from tests.fakes.handlers import NOW, ScriptedHandler, handler_binding
from tests.fakes.waiting import until

CANARY = "c4n4ry-s3cr3t"
REQUEST = ModelOnexEnvelope(
    envelope_id=UUID(int=1),
    source_node="client",
    target_node="node",
    operation="http.get",
    timestamp=NOW,
    payload={},
)
BINDING = handler_binding(config={"base_url": "https://a.example", "headers": {"X": {"secret_ref": "api/token"}}})


class TokenHandler(ScriptedHandler):
    """Answers with its token; says what `trouble` makes of it, when it is made, probed and called."""

    def __init__(self, stage: "Stage") -> None:
        super().__init__(diary=stage.diary)
        self.stage = stage
        self.token = ""

    async def initialize(self, config: ModelHandlerBinding) -> None:
        """Takes its token."""
        assert isinstance(config.config, ModelHttpConfig)
        token = config.config.headers["X"]
        assert isinstance(token, Secret)
        self.token = self.name = token.reveal()
        await super().initialize(config)
        if self.token in self.stage.refused:
            raise HandlerConnectionError("the server does not want it")

    async def health_check(self) -> ModelHealth:
        """UNHEALTHY for a token that starts with `ill`."""
        status = EnumHealth.UNHEALTHY if self.token.startswith("ill") else EnumHealth.HEALTHY
        return ModelHealth(status=status, message="it is ill")

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Its token, when the test lets it."""
        if self.token in self.stage.refused:
            raise HandlerAuthenticationError("the server refuses the token")
        await self.stage.open.wait()
        return envelope.reply({"token": self.token}, timestamp=NOW)


class Stage:
    """A guarded handler and its rotation; the token is what `token` is set to. refused: tokens that fail."""

    def __init__(self, *, refresh_s: float | None = None, timeout_ms: int = 30_000) -> None:
        self.diary: list[str] = []
        self.refused: set[str] = set()
        self.open = asyncio.Event()
        self.open.set()
        self.environment = {"ONEX_SECRET_API_TOKEN": "one"}
        self.resolver = SecretResolver([EnvironmentSecrets(self.environment)], refresh_s=refresh_s)
        self.binding = BINDING.model_copy(update={"timeout_ms": timeout_ms})
        self.guard = Guard(TokenHandler(self), self.binding)

    async def begin(self) -> "Stage":
        """Opened, as a host does."""
        secrets = await find_secrets([self.binding], self.resolver)
        await self.guard.handler.initialize(with_secrets(self.binding, secrets))
        self.rotation = Rotation(
            [(self.guard, self.binding)], secrets, self.resolver, lambda _: TokenHandler(self)
        )
        self.rotation.start()
        return self

    async def turned_to(self, token: str) -> None:
        """The secret is another one, and the host has looked."""
        self.environment["ONEX_SECRET_API_TOKEN"] = token
        await self.rotation.look()

    async def token(self) -> object:
        """The token with which a call is made."""
        answer = await self.guard.execute(REQUEST)
        return (answer.payload or {})["token"]


@asynccontextmanager
async def staged(*, refresh_s: float | None = None) -> AsyncIterator[Stage]:
    stage = await Stage(refresh_s=refresh_s).begin()
    try:
        yield stage
    finally:
        await stage.rotation.close()


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """The events that were logged since the last time, of this room."""
    caplog.set_level(logging.INFO, logger="onex.host")

    def events() -> list[str]:
        found = [str(vars(record).get("event")) for record in caplog.records]
        assert not [record for record in caplog.records if CANARY in str(vars(record))]
        caplog.clear()
        return found

    return events


@pytest.mark.asyncio
async def test_a_changed_secret_takes_over_and_the_old_handler_is_shut_down(said: Callable[[], list[str]]) -> None:
    async with staged() as stage:
        assert await stage.token() == "one"
        await stage.turned_to("two")
        assert await stage.token() == "two"
        await until(lambda: "one down" in stage.diary)
        assert stage.diary == ["one up", "two up", "one down"]
        assert said() == ["rotation.seen", "rotation.done"]
        await stage.rotation.look()
        assert said() == []


@pytest.mark.asyncio
async def test_a_call_under_way_ends_on_the_handler_that_it_began_on() -> None:
    async with staged() as stage:
        stage.open.clear()
        first = asyncio.create_task(stage.token())
        await asyncio.sleep(0)
        await stage.turned_to("two")
        second = asyncio.create_task(stage.token())
        await asyncio.sleep(0)
        assert "one down" not in stage.diary
        stage.open.set()
        assert [await first, await second] == ["one", "two"]
        await until(lambda: "one down" in stage.diary)


@pytest.mark.parametrize("bad", ["ill", "refused"])
@pytest.mark.asyncio
async def test_a_secret_that_does_not_work_changes_nothing_and_is_told_once(
    bad: str, said: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    async with staged() as stage:
        stage.refused.add("refused")
        await stage.turned_to(bad)
        (warning,) = (record for record in caplog.records if record.levelname == "WARNING")
        assert "Correct api/token; it is tried again by itself" in warning.getMessage()
        assert said() == ["rotation.seen", "rotation.failed"]
        for _ in range(3):
            await stage.rotation.look()
        assert said() == []
        assert await stage.token() == "one"
        assert stage.diary == ["one up", *[f"{bad} up", f"{bad} down"] * 4]


@pytest.mark.asyncio
async def test_it_takes_over_as_soon_as_it_works(said: Callable[[], list[str]]) -> None:
    async with staged() as stage:
        stage.refused.add("two")
        await stage.turned_to("two")
        stage.refused.clear()
        said()
        await stage.rotation.look()
        assert said() == ["rotation.done"]
        assert await stage.token() == "two"


@pytest.mark.asyncio
async def test_a_secret_that_cannot_be_read_any_more_is_told_once_and_changes_nothing(
    said: Callable[[], list[str]],
) -> None:
    async with staged() as stage:
        await stage.turned_to("")
        await stage.rotation.look()
        assert said() == ["rotation.unreadable"]
        assert await stage.token() == "one"
        await stage.turned_to("two")
        assert said() == ["rotation.seen", "rotation.done"]


@pytest.mark.asyncio
async def test_a_secret_that_cannot_stand_in_its_header_is_one_that_does_not_work(
    said: Callable[[], list[str]],
) -> None:
    async with staged() as stage:
        await stage.turned_to(f"{CANARY}\n")
        assert said() == ["rotation.seen", "rotation.failed"]
        assert await stage.token() == "one"


@pytest.mark.asyncio
async def test_a_call_whose_credentials_are_refused_is_made_again_with_the_new_ones() -> None:
    async with staged(refresh_s=3_600.0) as stage:
        stage.refused.add("one")
        stage.environment["ONEX_SECRET_API_TOKEN"] = "two"
        assert await asyncio.gather(*(stage.token() for _ in range(20))) == ["two"] * 20
        assert stage.diary.count("two up") == 1


@pytest.mark.asyncio
async def test_a_call_that_is_refused_with_the_only_secret_there_is_fails() -> None:
    async with staged(refresh_s=3_600.0) as stage:
        stage.refused.add("one")
        with pytest.raises(HandlerAuthenticationError):
            await stage.token()


class SilentSecrets(EnvironmentSecrets):
    """Answers once."""

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        """The second time, never."""
        found = await super().find(reference)
        self.find = self.never  # type: ignore[method-assign]  # what it does changes
        return found

    async def never(self, reference: ModelSecretRef) -> Secret | Absent:
        """Waits."""
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # it has none


@pytest.mark.asyncio
async def test_a_call_that_is_refused_waits_for_a_silent_place_no_longer_than_a_call_may_last() -> None:
    stage = Stage(refresh_s=3_600.0, timeout_ms=50)
    stage.resolver = SecretResolver([SilentSecrets(stage.environment)], refresh_s=3_600.0)
    await stage.begin()
    stage.refused.add("one")
    try:
        async with asyncio.timeout(10):
            with pytest.raises(HandlerAuthenticationError):
                await stage.token()
    finally:
        await stage.rotation.close()


@pytest.mark.asyncio
async def test_the_host_looks_by_itself_as_often_as_the_contract_says() -> None:
    async with staged(refresh_s=0.01) as stage:
        stage.environment["ONEX_SECRET_API_TOKEN"] = "two"
        await until(lambda: "one down" in stage.diary)


@pytest.mark.asyncio
async def test_the_end_shuts_down_what_was_still_waiting_for_its_calls() -> None:
    async with staged() as stage:
        stage.open.clear()
        hanging = asyncio.create_task(stage.token())
        await asyncio.sleep(0)
        await stage.turned_to("two")
    assert stage.diary == ["one up", "two up", "one down"]
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging


@pytest.mark.asyncio
async def test_a_handler_without_secrets_is_left_alone() -> None:
    handler = ScriptedHandler()
    binding = handler_binding(EnumHandlerType.HTTP)
    rotation = Rotation(
        [(Guard(handler, binding), binding)], {}, SecretResolver([], refresh_s=0.01), lambda _: handler
    )
    rotation.start()
    await rotation.look()
    await rotation.close()
    assert handler.diary == []


@pytest.mark.asyncio
async def test_a_handler_that_is_exchanged_just_as_the_host_ends_is_shut_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with staged() as stage:
        closing: list[asyncio.Task[None]] = []

        def exchange(handler: ProtocolHandler) -> tuple[ProtocolHandler, CutOff]:
            closing.append(asyncio.create_task(stage.rotation.close()))
            return Guard.exchange(stage.guard, handler)

        monkeypatch.setattr(stage.guard, "exchange", exchange)
        await stage.turned_to("two")
        await closing[0]
        assert stage.diary == ["one up", "two up", "one down"]
