"""The envelope: what every message on the bus is (docs/envelope.md walks its path)."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    JsonValue,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import (
    CoreSchema,
    PydanticCustomError,
    PydanticSerializationError,
    SchemaSerializer,
    core_schema,
)

from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.errors import RuntimeHostError
from omnibase_core.response_ids import response_id, written_response_id

JsonObject = dict[str, JsonValue]

_UUID_FORM = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
_TIMESTAMP_FORM = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$"

_MINUTE = timedelta(minutes=1)


class _CanonicalText:
    """Accepts one written form only, where pydantic would take several: the text is matched, then parsed.

    check: refuses values, given in Python, that have no such form.
    """

    def __init__(self, pattern: str, check: Callable[[Any], Any] | None = None) -> None:
        self._pattern = pattern
        self._check = check

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        value = handler(source)
        lax = {**value, "strict": False}
        checked = value
        if self._check is not None:
            checked = core_schema.no_info_after_validator_function(self._check, value)
        written = core_schema.str_schema(strict=True, pattern=self._pattern, regex_engine="rust-regex")
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema([written, lax]),
            python_schema=checked,
            serialization=value.get("serialization"),
        )


class _NullIsDefault:
    """Lets a field that is never null be written as null, for its default, which the model puts in."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.nullable_schema(handler(source))


def _with_offset(value: datetime) -> datetime:
    offset = value.utcoffset()
    if offset is None or offset % _MINUTE:
        raise PydanticCustomError("offset", "a timestamp has an offset from UTC, of whole minutes")
    return value


CanonicalUuid = Annotated[UUID, _CanonicalText(_UUID_FORM)]
CanonicalTimestamp = Annotated[datetime, _CanonicalText(_TIMESTAMP_FORM, _with_offset)]


class ModelEnvelopeError(BaseModel):
    """Why a request failed: `code` and `retryable` for programs, `message` for people, `details` for both."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    code: EnumErrorCode
    message: str
    handler_type: EnumHandlerType | None = None
    operation: str | None = None
    retryable: bool
    details: Annotated[JsonObject, _NullIsDefault()] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _nulls_to_defaults(self) -> Self:
        if self.__dict__["details"] is None:
            self.__dict__["details"] = {}
        return self

    @classmethod
    def of(cls, error: RuntimeHostError) -> Self:
        """What the bus may know of an error. Details that are no JSON are left out: a failure is always told."""
        details = error.details
        if not _is_json(details):
            details = {name: value for name, value in details.items() if _is_json({name: value})}
        return cls(
            code=error.code,
            message=_unicode(error.message),
            handler_type=error.handler_type,
            operation=None if error.operation is None else _unicode(error.operation),
            retryable=error.retryable,
            details=details,
        )


_DETAILS = TypeAdapter(JsonObject, config=ConfigDict(strict=True, allow_inf_nan=False))


def _is_json(details: JsonObject) -> bool:
    try:
        _DETAILS.dump_json(_DETAILS.validate_python(details))
    except (ValidationError, PydanticSerializationError):
        return False
    return True


def _unicode(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()


class ModelOnexEnvelope(BaseModel):
    """One message: a request to a node, or the response to one (docs/envelope.md has every field).

    Envelopes are values: nobody changes one. `reply` and `failure` make the response to a request; both
    take the time from their caller, and derive the response's id from the request's, so that the response
    to a redelivered request is recognised as the same one.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    envelope_id: CanonicalUuid
    envelope_version: Annotated[Literal["1.0.0"], _NullIsDefault()] = "1.0.0"
    correlation_id: CanonicalUuid | None = None
    causation_id: CanonicalUuid | None = None
    source_node: str | None = None
    target_node: Annotated[str, Field(min_length=1)] | None = None
    handler_type: EnumHandlerType | None = None
    operation: Annotated[str, Field(min_length=1)] | None = None
    payload: JsonObject | None = None
    metadata: Annotated[JsonObject, _NullIsDefault()] = Field(default_factory=dict)
    timestamp: CanonicalTimestamp
    ttl_seconds: Annotated[float, Field(gt=0)] | None = None
    is_response: Annotated[bool, _NullIsDefault()] = False
    success: bool | None = None
    error: ModelEnvelopeError | None = None

    @model_validator(mode="after")
    def _request_or_response(self) -> Self:
        values = self.__dict__
        if values["metadata"] is None or values["is_response"] is None or values["envelope_version"] is None:
            values.update({name: default() for name, default in _DEFAULTS.items() if values[name] is None})
        if self.is_response:
            if self.success is None:
                raise _inconsistent("success", "a response says whether it succeeded: true or false")
            if self.success is (self.error is not None):
                raise _inconsistent("error", "a failure carries an error, a success none")
            if self.error is not None and self.payload is not None:
                raise _inconsistent("payload", "a failure has no payload")
        elif self.target_node is None:
            raise _inconsistent("target_node", "a request names its node: the slug is required")
        elif self.success is not None or self.error is not None:
            raise _inconsistent("is_response", "a request has neither success nor error")
        return self

    @property
    def response_id(self) -> UUID:
        """The id that every response to this request has: uuid5 of the request's id (RFC 9562, 5.5)."""
        return response_id(self.envelope_id)

    def reply(
        self,
        payload: JsonObject,
        *,
        timestamp: datetime,
        handler_type: EnumHandlerType | None = None,
        operation: str | None = None,
    ) -> "ModelOnexEnvelope":
        """The successful response. `handler_type` and `operation` say what was executed."""
        return _unvalidated(self._answer(self.response_id, timestamp, handler_type, operation, payload, None))

    def drafted_reply(
        self, handler_type: EnumHandlerType
    ) -> Callable[[JsonObject, datetime], "ModelOnexEnvelope"]:
        """`reply` in two steps, for who has time before payload and timestamp come; they complete it, once."""
        values = self._answer(self.response_id, self.timestamp, handler_type, None, None, None)

        def complete(payload: JsonObject, timestamp: datetime) -> ModelOnexEnvelope:
            values["payload"] = payload
            values["timestamp"] = timestamp
            return _unvalidated(values)

        return complete

    def encoded_reply(
        self,
        payload: JsonObject,
        *,
        timestamp: str,
        handler_type: EnumHandlerType | None = None,
        operation: str | None = None,
    ) -> bytes:
        """What the codec makes of `reply`, at half the cost; of its `written` timestamp, once for many replies."""
        written_id = written_response_id(self.envelope_id)
        answer = self._answer(written_id, timestamp, handler_type, operation, payload, None)
        if (kind := answer["handler_type"]) is not None:
            answer["handler_type"] = kind._value_  # by `value` the serializer would take longer than all else
        return _to_json(answer)

    def failure(self, error: RuntimeHostError, *, timestamp: datetime) -> "ModelOnexEnvelope":
        """The error envelope: success false, no payload, and of the error only what the bus may know."""
        told = ModelEnvelopeError.of(error)
        return _unvalidated(
            self._answer(self.response_id, timestamp, told.handler_type, told.operation, None, told)
        )

    def _answer(
        self,
        envelope_id: UUID | str,
        timestamp: datetime | str,
        handler_type: EnumHandlerType | None,
        operation: str | None,
        payload: JsonObject | None,
        error: ModelEnvelopeError | None,
    ) -> dict[str, Any]:
        """The fields of a response, in their order. Unknown what was executed: what was asked for."""
        request = self.__dict__
        slug = request["target_node"]
        return {
            "envelope_id": envelope_id,
            "envelope_version": "1.0.0",
            "correlation_id": request["correlation_id"],
            "causation_id": request["envelope_id"],
            "source_node": slug,
            "target_node": request["source_node"] or None,
            "handler_type": handler_type or request["handler_type"],
            "operation": operation or request["operation"],
            "payload": payload,
            "metadata": {**request["metadata"], "original_target_node": slug},
            "timestamp": timestamp,
            "ttl_seconds": None,
            "is_response": True,
            "success": error is None,
            "error": error,
        }

    def correlated(self, correlation_id: UUID) -> "ModelOnexEnvelope":
        """This request with the correlation id that the host gave it; one that has its own keeps it."""
        if self.correlation_id is not None:
            return self
        return _unvalidated({**self.__dict__, "correlation_id": correlation_id})

    def addressed(self, handler_type: EnumHandlerType, operation: str, payload: JsonObject) -> "ModelOnexEnvelope":
        """This request as one handler gets it: the operation named, the payload validated."""
        return _unvalidated(
            {**self.__dict__, "handler_type": handler_type, "operation": operation, "payload": payload}
        )


_DEFAULTS: dict[str, Callable[[], object]] = {
    "envelope_version": lambda: "1.0.0",
    "metadata": dict,
    "is_response": lambda: False,
}
_FIELDS = set(ModelOnexEnvelope.model_fields)
_to_json = SchemaSerializer(core_schema.any_schema(), core_schema.CoreConfig(ser_json_inf_nan="constants")).to_json
_new = object.__new__
_set_values, _set_given, _set_extra, _set_private = (
    BaseModel.__dict__[slot].__set__
    for slot in ("__dict__", "__pydantic_fields_set__", "__pydantic_extra__", "__pydantic_private__")
)


def _unvalidated(values: dict[str, Any]) -> ModelOnexEnvelope:
    """An envelope from values that are valid by construction, at a quarter of the validator's cost.

    The slots are set as pydantic's own constructors do, past the guard of a frozen model. A test holds each
    caller to what the validated constructor makes of the same values.
    """
    envelope = _new(ModelOnexEnvelope)
    _set_values(envelope, values)
    _set_given(envelope, _FIELDS)
    _set_extra(envelope, None)
    _set_private(envelope, None)
    return envelope


def _inconsistent(field: str, sentence: str) -> PydanticCustomError:
    return PydanticCustomError("inconsistent", "{sentence}", {"field": field, "sentence": sentence})
