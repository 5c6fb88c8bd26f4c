"""What `onex-host test --record` does: a live call as a contract test. Imported within the command only."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.contracts.check_tests import load_tests
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.reading import FileRefusal
from omnibase_core.envelope import JsonObject, ModelEnvelopeError, ModelOnexEnvelope
from omnibase_core.errors import RuntimeHostError
from omnibase_spi.handler import ProtocolHandler
from pydantic import JsonValue

from omnibase_infra.cli.around import HandlerAround
from omnibase_infra.cli.calling import call_once
from omnibase_infra.cli.redaction import Redaction
from omnibase_infra.cli.showing import Called
from omnibase_infra.cli.testing import Mismatch, perform
from omnibase_infra.cli.yaml_text import yaml_lines
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.wiring import build_host, handler_of

_OF_ENVELOPE = ("envelope_id", "correlation_id", "causation_id", "source_node", "metadata", "timestamp")
_KEPT = "content-type"


class RecordedCall(NamedTuple):
    """What a handler was sent, and its result or its failure."""

    handler: str
    operation: str
    sent: JsonObject
    outcome: JsonObject | ModelEnvelopeError


class Recording:
    """A live call: its calls in order, and its response."""

    def __init__(self, loaded: LoadedContract, request: ModelOnexEnvelope) -> None:
        self.calls: list[RecordedCall] = []
        self._loaded = loaded
        self._request = request

    def host(self, resolver: SecretResolver, host: type[BaseRuntimeHostProcess]) -> BaseRuntimeHostProcess:
        """A host whose handlers are the real ones, and are listened to."""

        def make(binding: ModelHandlerBinding, clock: Clock) -> "_Recorded":
            return _Recorded(handler_of(binding, clock), binding.name, self.calls)

        return build_host(self._loaded, resolver, host=host, local=True, make=make)

    def text(self, response: ModelOnexEnvelope, *, brief: bool, schema: str | None) -> tuple[str, bool]:
        """The file of the test, and whether anything in it was hidden.

        brief: without headers of replies that say nothing to most nodes. schema: for the editor's comment.
        """
        test = self._test(response, brief=brief)
        hidden = Redaction(test)(test)
        assert isinstance(hidden, dict)
        lines = ["tests:", *yaml_lines([hidden], 2)]
        head = [] if schema is None else [f"# yaml-language-server: $schema={schema}"]
        return "\n".join([*head, 'schema_version: "1.0.0"', *lines, ""]), hidden != test

    def _test(self, response: ModelOnexEnvelope, *, brief: bool) -> dict[str, JsonValue]:
        request = self._request
        test: dict[str, JsonValue] = {"name": f"{request.target_node}, as recorded", "node": request.target_node}
        if request.operation is not None:
            test["operation"] = request.operation
        test["payload"] = request.payload or {}
        if envelope := self._envelope(response):
            test["envelope"] = envelope
        if self.calls:
            test["calls"] = [_written(call, brief=brief) for call in self.calls]
        error = response.error
        test["response"] = {"payload": response.payload} if error is None else {"error": _error(error)}
        return test

    def _envelope(self, response: ModelOnexEnvelope) -> JsonObject:
        """What of the request's envelope the node may have seen, or its sender has said."""
        node = self._loaded.nodes.get(self._request.target_node or "")
        mapped = () if node is None else node.mappings.mapped.values()
        sees_all = any("envelope" in each.roots for each in mapped)
        names = _OF_ENVELOPE if sees_all else ("source_node", "metadata")
        known = self._request.model_copy(update={"correlation_id": response.correlation_id})
        written = known.model_dump(mode="json", include=set(names), exclude_none=True)
        return {name: written[name] for name in names if written.get(name)}


class _Recorded(HandlerAround):
    """A handler that is listened to."""

    def __init__(self, handler: ProtocolHandler, name: str, calls: list[RecordedCall]) -> None:
        super().__init__(handler, name)
        self._calls = calls

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        """The handler's response. Raises what it raises."""
        sent, operation = envelope.payload or {}, envelope.operation or ""
        try:
            response = await super().execute(envelope)
        except RuntimeHostError as error:
            self._calls.append(RecordedCall(self.name, operation, sent, ModelEnvelopeError.of(error)))
            raise
        self._calls.append(RecordedCall(self.name, operation, sent, response.payload or {}))
        return response


def record(
    loaded: LoadedContract,
    request: ModelOnexEnvelope,
    resolver: SecretResolver,
    host: type[BaseRuntimeHostProcess],
) -> tuple[Recording, Called]:
    """Performs a request with the real handlers, and notes what goes to them and comes back."""
    recording = Recording(loaded, request)
    built = recording.host(resolver, host)
    return recording, asyncio.run(call_once(built, request))


def replayed(
    loaded: LoadedContract, text: str, file: str, host: type[BaseRuntimeHostProcess]
) -> Sequence[str] | Sequence[Mismatch]:
    """Why a text is no test that passes: problems of the file, or what is wrong with the test; else empty."""

    def read(path: str) -> bytes | FileRefusal:
        return text.encode()

    found = load_tests(file, read, loaded)
    if not found.tests:
        return [problem.message for problem in found.problems]
    return perform(loaded, found.tests[0], host).wrong


def _written(call: RecordedCall, *, brief: bool) -> JsonObject:
    entry: JsonObject = {"handler": call.handler, "operation": call.operation, "sent": call.sent}
    if isinstance(call.outcome, ModelEnvelopeError):
        return {**entry, "fails": _error(call.outcome)}
    return {**entry, "answer": _answer(call.outcome, brief=brief)}


def _answer(result: JsonObject, *, brief: bool) -> JsonObject:
    """The result without what a test fills in by itself."""
    answer = {name: value for name, value in result.items() if name != "row_count" or not result.get("rows")}
    headers = answer.get("headers")
    if brief and isinstance(headers, dict):
        answer["headers"] = {name: value for name, value in headers.items() if name == _KEPT}
    return answer


def _error(error: ModelEnvelopeError) -> JsonObject:
    told: JsonObject = {"code": error.code.value, "retryable": error.retryable, "message": error.message}
    return {**told, "details": error.details} if error.details else told
