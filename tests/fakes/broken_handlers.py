"""Handlers that each break one promise, so that the conformance checks are seen to fail."""

import asyncio
import decimal
from collections.abc import Mapping, Sequence
from uuid import UUID

from omnibase_core.contracts.bindings import ModelHandlerBinding
from omnibase_core.description import ModelHandlerDescription, ModelHealth, ModelOperationDescription
from omnibase_core.enums import EnumHandlerType, EnumHealth
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerExecutionError,
    InvalidOperationError,
    InvalidParameterError,
    ProtocolConfigurationError,
)
from pydantic import JsonValue

from tests.fakes.memory_vault import MemoryVault

BrokenVault = MemoryVault


class OfAnotherType(MemoryVault):
    @property
    def handler_type(self) -> EnumHandlerType:
        return EnumHandlerType.CONSUL


class DescribesLess(MemoryVault):
    def describe(self) -> ModelHandlerDescription:
        whole = super().describe()
        return whole.model_copy(update={"operations": whole.operations[1:]})


class DescribesOtherwise(MemoryVault):
    def describe(self) -> ModelHandlerDescription:
        whole = super().describe()
        bare = tuple(ModelOperationDescription(name=operation.name) for operation in whole.operations)
        return whole.model_copy(update={"operations": bare})


class HasNoVersion(MemoryVault):
    def describe(self) -> ModelHandlerDescription:
        return super().describe().model_copy(update={"version": ""})


class ExecutesAtAnyTime(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        self.ready, self.over = True, False
        return await super().execute(envelope)


class ExecutesAfterTheEnd(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        self.over = False
        return await super().execute(envelope)


class FailsInItsOwnWordsBeforehand(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        if not self.ready:
            raise AttributeError("'NoneType' object has no attribute 'send'")
        return await super().execute(envelope)


class InitializesTwice(MemoryVault):
    async def initialize(self, config: ModelHandlerBinding) -> None:
        self.ready = True


class InitializesAfterTheEnd(MemoryVault):
    async def initialize(self, config: ModelHandlerBinding) -> None:
        if self.over:
            self.over = False
            return
        await super().initialize(config)


class BreaksWhenInitializedTwice(MemoryVault):
    async def initialize(self, config: ModelHandlerBinding) -> None:
        again, self.ready = self.ready, not self.ready
        if again:
            raise ProtocolConfigurationError("initialised twice")


class NeedsInitializeBeforeShutdown(MemoryVault):
    async def shutdown(self) -> None:
        if not self.ready:
            raise AttributeError("'NoneType' object has no attribute 'close'")
        await super().shutdown()


class ClosesTwice(MemoryVault):
    async def shutdown(self) -> None:
        if self.over and self.ready:
            raise RuntimeError("closed already")
        await super().shutdown()


class LeavesThemHanging(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        response = await super().execute(envelope)
        if self.over:
            await asyncio.Event().wait()
        return response


class TearsThemApart(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        response = await super().execute(envelope)
        if self.over:
            raise ConnectionResetError
        return response


class HangsInShutdown(MemoryVault):
    async def shutdown(self) -> None:
        await super().shutdown()
        if self.ready:
            await asyncio.Event().wait()


class KnowsNoUnknown(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        try:
            return await super().execute(envelope)
        except InvalidOperationError as error:
            raise HandlerExecutionError(error.message) from None


class ListsNothing(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        try:
            return await super().execute(envelope)
        except InvalidOperationError:
            raise InvalidOperationError("no such operation", ()) from None


class TrimsOperations(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        operation = (envelope.operation or "").strip()
        return await super().execute(envelope.model_copy(update={"operation": operation}))


class NamesNoField(MemoryVault):
    def check_field(self, field: str, value: JsonValue) -> None:
        try:
            super().check_field(field, value)
        except InvalidParameterError:
            raise InvalidParameterError("the payload does not fit") from None


class TakesMissingFields(MemoryVault):
    def check_field(self, field: str, value: JsonValue) -> None:
        if value is not None:
            super().check_field(field, value)

    def perform(self, operation: str, payload: JsonObject) -> JsonObject:
        return super().perform(operation, {"path": "x", "data": {}, **payload})


class MakesItsOwnResponse(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        response = await super().execute(envelope)
        return response.model_copy(update={"envelope_id": UUID(int=77)})


class LosesTheCorrelation(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        return await super().execute(envelope.model_copy(update={"correlation_id": None}))


class ChangesTheRequest(MemoryVault):
    def perform(self, operation: str, payload: JsonObject) -> JsonObject:
        result = super().perform(operation, payload)
        payload["seen"] = True
        return result


class AnswersMore(MemoryVault):
    def perform(self, operation: str, payload: JsonObject) -> JsonObject:
        return {**super().perform(operation, payload), "and": "more"}


class AnswersWhatIsNoJson(MemoryVault):
    def perform(self, operation: str, payload: JsonObject) -> JsonObject:
        return {"version": decimal.Decimal(super().perform(operation, payload)["version"])}  # type: ignore[dict-item,arg-type]  # the defect


class AnswersItsError(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        return envelope.failure(HandlerExecutionError("no"), timestamp=envelope.timestamp)


class LetsRawErrorsOut(MemoryVault):
    def check_field(self, field: str, value: JsonValue) -> None:
        if value is not None and not isinstance(value, str | dict):
            raise TypeError("unhashable type")
        super().check_field(field, value)


class DiesOfGarbage(MemoryVault):
    def check_field(self, field: str, value: JsonValue) -> None:
        try:
            super().check_field(field, value)
        except InvalidParameterError:
            self.over = field == "data"
            raise


class HasDetailsThatAreNoJson(MemoryVault):
    def check_field(self, field: str, value: JsonValue) -> None:
        try:
            super().check_field(field, value)
        except InvalidParameterError:
            raise InvalidParameterError(field, details={"got": object()}) from None  # type: ignore[dict-item]  # the defect


class HasNothingToSay(MemoryVault):
    def check_field(self, field: str, value: JsonValue) -> None:
        try:
            super().check_field(field, value)
        except InvalidParameterError:
            raise InvalidParameterError("") from None


class HealthRaises(MemoryVault):
    async def health_check(self) -> ModelHealth:
        if not self.ready:
            raise AttributeError("'NoneType' object has no attribute 'is_connected'")
        return await super().health_check()


class AlwaysHealthy(MemoryVault):
    async def health_check(self) -> ModelHealth:
        return ModelHealth(status=EnumHealth.HEALTHY)


class NeverHealthy(MemoryVault):
    async def health_check(self) -> ModelHealth:
        return ModelHealth(status=EnumHealth.UNHEALTHY)


class HealthHangs(MemoryVault):
    async def health_check(self) -> ModelHealth:
        await asyncio.Event().wait()
        return await super().health_check()


class OneAtATime(MemoryVault):
    busy = False

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        if self.busy:
            raise HandlerExecutionError("another operation is in progress")
        self.busy = True
        try:
            return await super().execute(envelope)
        finally:
            self.busy = False


class MixesRequestsUp(MemoryVault):
    latest: ModelOnexEnvelope

    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        self.latest = envelope
        await asyncio.sleep(0)
        return await super().execute(self.latest)


class AnswersACancellation(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        try:
            return await super().execute(envelope)
        except asyncio.CancelledError:
            raise HandlerExecutionError("cancelled") from None


class DiesOfACancellation(MemoryVault):
    async def execute(self, envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
        try:
            return await super().execute(envelope)
        except asyncio.CancelledError:
            self.over = True
            raise


BROKEN_HANDLERS: Mapping[str, Sequence[type[MemoryVault]]] = {
    "check_it_describes_what_the_table_says": (OfAnotherType, DescribesLess, DescribesOtherwise, HasNoVersion),
    "check_it_executes_only_while_it_runs": (
        ExecutesAtAnyTime,
        ExecutesAfterTheEnd,
        FailsInItsOwnWordsBeforehand,
    ),
    "check_initialize_happens_once": (InitializesTwice, InitializesAfterTheEnd, BreaksWhenInitializedTwice),
    "check_shutdown_is_safe_and_idempotent": (NeedsInitializeBeforeShutdown, ClosesTwice, InitializesAfterTheEnd),
    "check_shutdown_ends_what_is_under_way": (LeavesThemHanging, TearsThemApart, HangsInShutdown),
    "check_unknown_operations_name_the_known": (KnowsNoUnknown, ListsNothing, TrimsOperations),
    "check_a_missing_field_is_named": (NamesNoField, TakesMissingFields),
    "check_the_response_is_the_requests_reply": (
        MakesItsOwnResponse,
        LosesTheCorrelation,
        ChangesTheRequest,
        AnswersMore,
        AnswersWhatIsNoJson,
        AnswersItsError,
    ),
    "check_garbage_raises_runtime_host_errors_alone": (
        LetsRawErrorsOut,
        DiesOfGarbage,
        HasDetailsThatAreNoJson,
        HasNothingToSay,
    ),
    "check_health_never_raises": (HealthRaises, AlwaysHealthy, NeverHealthy, HealthHangs),
    "check_many_execute_at_once": (OneAtATime, MixesRequestsUp),
    "check_a_cancelled_execute_ends": (AnswersACancellation, DiesOfACancellation),
}
"""What each check must see."""
