"""The file of contract tests: what a node is given, what its handlers are sent and answer, what it responds."""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationInfo, field_validator, model_validator

from omnibase_core.contracts.findings import Refusal
from omnibase_core.contracts.rules import refused
from omnibase_core.contracts.schema import SCHEMA_VERSION
from omnibase_core.enums import EnumErrorCode
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import shown
from omnibase_core.patterns import BASE64

FailureCode = Literal[
    "HANDLER_EXECUTION_ERROR",
    "HANDLER_CONNECTION_ERROR",
    "HANDLER_AUTHENTICATION_ERROR",
    "HANDLER_TIMEOUT",
    "HANDLER_UNAVAILABLE",
    "POOL_EXHAUSTED",
    "INVALID_PARAMETER",
    "RATE_LIMITED",
    "UNEXPECTED_RESULT",
    "PAYLOAD_TOO_LARGE",
]
"""The codes that a handler fails with; the others are the host's and the node's own."""


_ONE_OUTCOME: Final = Refusal(
    "A call has either an 'answer' or 'fails'",
    "'answer' is the operation's result, 'fails' an error such as {code: HANDLER_CONNECTION_ERROR}",
    "Write exactly one of the two",
)
_ONE_FORM: Final = Refusal(
    "'sent' and 'sent_includes' stand together",
    "'sent' is the whole payload, 'sent_includes' a part of it",
    "Keep one of the two",
)
_ONE_RESPONSE: Final = Refusal(
    "A response has exactly one of 'payload', 'payload_includes' and 'error'",
    "'payload' is the whole of a success, 'payload_includes' a part of it, 'error' a failure",
    "Write one of them; what the node gives, the test then shows",
)
_NO_TESTS: Final = Refusal(
    "No tests are listed", "A file of tests has one at least", "Write - {name: …, node: …, response: …}"
)
_NO_RESULTS: Final = Refusal(
    "No results are listed", "A transaction has one for each statement", "Write - {rows: […], row_count: …}"
)

_NO_TEXT: Final = Refusal("The body is no text", "body_type says text", "Write a text, or body_type: json")
_NO_BYTES: Final = Refusal(
    "The body is no {base64: …}", "body_type says bytes, which a result holds in base64", "Write {base64: AAE=}"
)


class ModelTestEnvelope(BaseModel):
    """The other fields of the request's envelope; what is left out has a value that is the same in every run."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    envelope_id: str | None = None
    correlation_id: str | None = None
    causation_id: str | None = None
    source_node: str | None = None
    metadata: dict[str, JsonValue] | None = None
    timestamp: str | None = None
    ttl_seconds: Annotated[float, Field(allow_inf_nan=False)] | None = None


class ModelTestFailure(BaseModel):
    """A failure of a handler. retryable: by default what the code says for this operation."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    code: FailureCode
    retryable: bool | None = None
    message: str | None = None
    details: dict[str, JsonValue] = Field(default_factory=dict)


class ModelTestCall(BaseModel):
    """One call of a handler: what it must be sent, and what it answers or fails with.

    handler, operation: by default the node's. sent: the whole payload. sent_includes: a part of it. With neither,
    any payload will do.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    handler: str | None = None
    operation: str | None = None
    sent: dict[str, JsonValue] | None = None
    sent_includes: dict[str, JsonValue] | None = None
    answer: dict[str, JsonValue] | None = None
    fails: ModelTestFailure | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if (self.answer is None) is (self.fails is None):
            raise refused(_ONE_OUTCOME)
        if self.sent is not None and self.sent_includes is not None:
            raise refused(_ONE_FORM)
        return self


class ModelTestError(BaseModel):
    """An error that is expected. message: a text that is part of it. details: a part of them."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    code: EnumErrorCode
    retryable: bool | None = None
    message: str | None = None
    details: dict[str, JsonValue] = Field(default_factory=dict)


class ModelTestResponse(BaseModel):
    """The response that is expected: exactly one of a success's payload, a part of it, and an error."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    payload: dict[str, JsonValue] | None = None
    payload_includes: dict[str, JsonValue] | None = None
    error: ModelTestError | None = None

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if sum(form is not None for form in (self.payload, self.payload_includes, self.error)) != 1:
            raise refused(_ONE_RESPONSE)
        return self


class ModelTestCase(BaseModel):
    """One test: a request to a node, the calls that it makes, and its response.

    calls: in the order in which they are made; another one, or one less, fails the test. now: the host's clock; by
    default the request's timestamp.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]
    node: str
    operation: str | None = None
    payload: JsonObject = Field(default_factory=dict)
    envelope: ModelTestEnvelope = Field(default_factory=ModelTestEnvelope)
    now: str | None = None
    calls: tuple[ModelTestCall, ...] = ()
    response: ModelTestResponse


class ModelTestFile(BaseModel):
    """A file of contract tests; it stands in the folder `tests` beside the runtime contract."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    schema_version: str = SCHEMA_VERSION
    tests: tuple[ModelTestCase, ...]

    @field_validator("tests")
    @classmethod
    def _some_test(cls, tests: tuple[ModelTestCase, ...]) -> tuple[ModelTestCase, ...]:
        if not tests:
            raise refused(_NO_TESTS)
        return tests


class ModelHttpAnswer(BaseModel):
    """The result of an http operation. headers: names in lower case. body_type: how the handler reads the body."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    status_code: Annotated[int, Field(ge=200, le=599)] = 200
    headers: dict[str, str] = Field(default_factory=dict)
    body_type: Literal["json", "text", "bytes"] = "json"
    body: JsonValue = None

    @field_validator("headers")
    @classmethod
    def _lower_case(cls, headers: dict[str, str]) -> dict[str, str]:
        shouted = next((name for name in headers if name != name.lower()), None)
        if shouted is not None:
            hint = "The handler gives the names of headers in lower case"
            raise refused(Refusal(f"'{shown(shouted)}' is no header of a result", hint, "Write it in lower case"))
        return headers

    @field_validator("body")
    @classmethod
    def _of_type(cls, body: JsonValue, info: ValidationInfo) -> JsonValue:
        kind = info.data.get("body_type")
        if kind == "text" and body is not None and not isinstance(body, str):
            raise refused(_NO_TEXT)
        if kind == "bytes" and not (isinstance(body, dict) and _is_base64(body)):
            raise refused(_NO_BYTES)
        return body


def _is_base64(body: dict[str, JsonValue]) -> bool:
    return body.keys() == {"base64"} and BASE64.fullmatch(str(body["base64"])) is not None


class ModelDbAnswer(BaseModel):
    """The result of one statement. row_count: by default the number of rows."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    rows: tuple[JsonObject, ...] = ()
    row_count: Annotated[int, Field(ge=0)] | None = None

    @field_validator("row_count")
    @classmethod
    def _count_of(cls, count: int | None, info: ValidationInfo) -> int | None:
        rows = len(info.data.get("rows", ()))
        if count not in (None, rows) and rows:
            hint = "A statement that gives rows counts these; one that gives none counts what it changed"
            said = f"The row_count of {rows} {'row' if rows == 1 else 'rows'} is {rows}"
            raise refused(Refusal(said, hint, "Leave row_count out"))
        return count


class ModelDbRowsAnswer(ModelDbAnswer):
    """The result of db.query, whose row_count is the number of its rows."""

    @field_validator("row_count")
    @classmethod
    def _count_of_rows(cls, count: int | None, info: ValidationInfo) -> int | None:
        if count not in (None, len(info.data.get("rows", ()))):
            hint = "db.query only reads, and counts the rows that it gives"
            raise refused(Refusal("The row_count of no rows is 0", hint, "Leave row_count out"))
        return count


class ModelDbTransactionAnswer(BaseModel):
    """The results of a transaction, one for each statement."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    results: tuple[ModelDbAnswer, ...]

    @field_validator("results")
    @classmethod
    def _some_result(cls, results: tuple[ModelDbAnswer, ...]) -> tuple[ModelDbAnswer, ...]:
        if not results:
            raise refused(_NO_RESULTS)
        return results
