"""What `onex-host test` does: one test through a host whose handlers answer by the script of the test.

Everything else is the host that would run: bus, engine, guard, nodes, and each handler's own code down to its
transport. A call is tried once, so that a test says what becomes of each answer. Imported within the command only.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.check_calls import ScriptedCall
from omnibase_core.contracts.check_tests import ContractTest
from omnibase_core.contracts.findings import Section
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.source import Path
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import HandlerExecutionError, RuntimeHostError
from omnibase_core.secret import ModelSecretRef, Secret
from omnibase_spi.handler import ProtocolHandler
from pydantic import JsonValue

from omnibase_infra.cli.around import HandlerAround
from omnibase_infra.cli.held_logs import held_logs
from omnibase_infra.cli.matching import Difference, differences
from omnibase_infra.config.secrets import SecretResolver, SecretSource
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.transports.scripted import ImpossibleAnswerError
from omnibase_infra.wiring import build_host, scripted_handler

CORRELATION_ID = UUID("00000000-0000-4000-8000-000000000002")
"""What the host gives a request that has no correlation id, in every test."""


class Mismatch(NamedTuple):
    """One way in which a test failed.

    at: the section of the file that said otherwise, and the path below it. came: what came in its place.
    """

    message: str
    section: Section
    path: Path = ()
    found: Sequence[Difference] = ()
    came: JsonValue = None


class Outcome(NamedTuple):
    """How a test ended; it passed where nothing is wrong."""

    test: ContractTest
    wrong: Sequence[Mismatch]
    seconds: float


def perform(loaded: LoadedContract, test: ContractTest, host: type[BaseRuntimeHostProcess]) -> Outcome:
    """Runs one test through a host of its own. Raises ProtocolConfigurationError where there can be none."""
    script = Script(test)
    clock = Clock(now=lambda: test.clock.timestamp, new_id=lambda: CORRELATION_ID)

    def make(binding: ModelHandlerBinding, clock: Clock) -> ProtocolHandler:
        return ScriptedHandler(scripted_handler(binding, clock, script.cue), binding.name, script)

    started = time.perf_counter()
    built = build_host(
        loaded, SecretResolver([_StandIns()]), host=host, clock=clock, local=True, make=make, retries=False
    )
    with held_logs() as logs:
        response = asyncio.run(_asked(built, test))
    told = [] if script.is_lost else _of_response(test, response)
    wrong = [*script.wrong, *told, *script.left_over()]
    if wrong:
        logs.release()
    return Outcome(test, wrong, time.perf_counter() - started)


async def _asked(host: BaseRuntimeHostProcess, test: ContractTest) -> ModelOnexEnvelope:
    async with host:
        try:
            return await host.client.request(test.request)
        except RuntimeHostError as error:
            return test.request.failure(error, timestamp=test.clock.timestamp)


class _StandIns(SecretSource):
    """Gives every secret, since nothing is sent anywhere."""

    def place(self, reference: ModelSecretRef) -> str:
        return "contract tests"

    async def find(self, reference: ModelSecretRef) -> Secret:
        return Secret("a-secret-of-contract-tests")


class Script:
    """The calls that a test expects, and what was wrong with those that came.

    is_lost: a call came that has no answer, so that what follows says nothing of the node.
    """

    def __init__(self, test: ContractTest) -> None:
        self.wrong: list[Mismatch] = []
        self.is_lost = False
        self._test = test
        self._left = deque(test.calls)
        self._playing: ScriptedCall | None = None

    def enter(self, handler: str, envelope: ModelOnexEnvelope) -> None:
        """A handler is sent something. Raises HandlerExecutionError where the test has no answer to it."""
        operation, sent = envelope.operation or "", envelope.payload or {}
        expected = self._left[0] if self._left else None
        if expected is None or (expected.handler, expected.operation) != (handler, operation):
            self._lose(handler, operation, sent, expected)
            raise HandlerExecutionError("The test has no answer to this call")
        self._playing = self._left.popleft()
        for form, partial in (("sent", False), ("sent_includes", True)):
            wanted = getattr(expected.call, form)
            if wanted is None:
                continue
            if found := list(differences(wanted, sent, partial=partial)):
                message = f"Handler '{handler}' was sent another {operation} than the test expects"
                self.wrong.append(Mismatch(message, expected.section, (form,), found))

    def cue(self) -> JsonObject:
        """The answer to what a handler has just been sent; raises the failure that the test has in its place."""
        playing = self._playing
        assert playing is not None
        if isinstance(playing.outcome, RuntimeHostError):
            raise playing.outcome
        return playing.outcome

    def leave(self, result: JsonObject) -> None:
        """The handler has made its result of the answer, which must be as it was written."""
        playing = self._playing
        assert playing is not None
        written = playing.call.answer or {}
        if found := list(differences(dict(written), result, partial=True)):
            self.is_lost = True
            message = f"Handler '{playing.handler}' would never answer this: it reads such a reply otherwise"
            self.wrong.append(Mismatch(message, playing.section, ("answer",), found))

    def refuse(self, error: ImpossibleAnswerError) -> None:
        """The answer is one that cannot be."""
        playing = self._playing
        assert playing is not None
        self.is_lost = True
        message = f"Handler '{playing.handler}' would never answer this: {error.sentence}"
        self.wrong.append(Mismatch(message, playing.section, ("answer",)))

    def left_over(self) -> Iterator[Mismatch]:
        """The calls that never came."""
        for expected in self._left:
            message = (
                f"Handler '{expected.handler}' was never sent {expected.operation}; remove the call, or see why"
            )
            yield Mismatch(message, expected.section)

    def _lose(self, handler: str, operation: str, sent: JsonObject, expected: ScriptedCall | None) -> None:
        """A call that is not the next one. What came is shown as the entry that the test lacks."""
        self.is_lost = True
        if expected is None:
            wanted = "no more calls" if self._test.calls else "no call"
            section, path = self._test.section, ("calls",) if self._test.calls else ()
        else:
            wanted = f"{expected.operation} of handler '{expected.handler}'"
            section, path = expected.section, ()
        self._left.clear()
        message = (
            f"Handler '{handler}' was sent {operation}, where the test expects {wanted}. If the node is right, "
            "this stands in 'calls', with an answer:"
        )
        came: list[JsonValue] = [{"handler": handler, "operation": operation, "sent": sent}]
        self.wrong.append(Mismatch(message, section, path, came=came))


class ScriptedHandler(HandlerAround):
    """A handler on a scripted transport, and the script around it: what it is sent, what it makes of answers."""

    def __init__(self, handler: ProtocolHandler, name: str, script: Script) -> None:
        super().__init__(handler, name)
        self._script = script

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """Plays the next call of the script. Raises what the handler raises, and where there is no such call."""
        self._script.enter(self.name, envelope)
        try:
            response = await super().execute(envelope)
        except ImpossibleAnswerError as error:
            self._script.refuse(error)
            raise HandlerExecutionError("The test's answer cannot be") from None
        self._script.leave(response.payload or {})
        return response


def _of_response(test: ContractTest, response: ModelOnexEnvelope) -> Iterator[Mismatch]:
    expected, section = test.case.response, test.section.child("response")
    error = response.error
    if expected.error is None:
        if error is not None:
            told = error.model_dump(mode="json", exclude_none=True)
            yield Mismatch("The node failed, where the test expects a success; it gave:", section, came=told)
            return
        form = "payload" if expected.payload is not None else "payload_includes"
        wanted = getattr(expected, form)
        if found := list(differences(wanted, response.payload, partial=form != "payload")):
            yield Mismatch("The response is not what the test expects", section, (form,), found)
        return
    if error is None:
        message = f"The node succeeded, where the test expects {expected.error.code}; it gave:"
        yield Mismatch(message, section, ("error",), came=response.payload or {})
        return
    wanted = expected.error.model_dump(mode="json", exclude={"message"}, exclude_none=True)
    told = error.model_dump(mode="json", exclude_none=True)
    found = list(differences(wanted, told, partial=True))
    if expected.error.message is not None and expected.error.message not in error.message:
        found.append(Difference(("message",), expected.error.message, error.message))
    if found:
        # the whole error says why another one came
        yield Mismatch("Another failure came than the test expects; this one:", section, ("error",), found, told)
