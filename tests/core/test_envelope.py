"""The envelope as a value: what can be one, what answers one, and that nothing is lost or changed on the way."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, Final
from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omnibase_core.codec import decode, encode, written
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelEnvelopeError, ModelOnexEnvelope
from omnibase_core.errors import (
    HandlerExecutionError,
    HandlerTimeoutError,
    IndeterminateEffectError,
    RuntimeHostError,
)
from pydantic import ValidationError

ID: Final = UUID("11111111-1111-4111-8111-111111111111")
CORRELATION: Final = UUID("22222222-2222-4222-8222-222222222222")
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
LATER: Final = NOON + timedelta(milliseconds=12)
TIMEOUT: Final = HandlerTimeoutError("no answer within 30 ms", details={"timeout_ms": 30})


def request(**fields: Any) -> ModelOnexEnvelope:
    return ModelOnexEnvelope(**{"envelope_id": ID, "target_node": "orders", "timestamp": NOON, **fields})


def validated(envelope: ModelOnexEnvelope) -> ModelOnexEnvelope:
    """What the constructor makes of the same values, with every check."""
    return ModelOnexEnvelope(**{name: getattr(envelope, name) for name in type(envelope).model_fields})


def refused_field(**fields: Any) -> tuple[str, str]:
    """Field and type of the one thing that the constructor refuses."""
    with pytest.raises(ValidationError) as caught:
        request(**fields)
    (problem,) = caught.value.errors()
    return str(problem.get("ctx", {}).get("field") or problem["loc"][0]), problem["type"]


TEXT: Final = st.text(st.characters(codec="utf-8"), max_size=5)
JSON: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS: Final = st.dictionaries(TEXT, JSON, max_size=3)
OFFSETS: Final = st.integers(-1_439, 1_439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS: Final = st.datetimes(timezones=st.just(UTC) | OFFSETS)
KINDS: Final = st.none() | st.sampled_from(EnumHandlerType)
REQUESTS: Final = st.builds(
    ModelOnexEnvelope,
    envelope_id=st.uuids(),
    correlation_id=st.none() | st.uuids(),
    causation_id=st.none() | st.uuids(),
    source_node=st.none() | TEXT,
    target_node=st.text("ab_-", min_size=1),
    handler_type=KINDS,
    operation=st.none() | st.text("a.", min_size=1),
    payload=st.none() | OBJECTS,
    metadata=OBJECTS,
    timestamp=MOMENTS,
    ttl_seconds=st.none() | st.floats(0, exclude_min=True, allow_nan=False, allow_infinity=False),
)
ERRORS: Final = st.builds(
    HandlerTimeoutError,
    TEXT,
    handler_type=KINDS,
    operation=st.none() | st.text("a.", min_size=1),
    details=OBJECTS,
)


class TestResponsesAreWhatTheConstructorMakes:
    """`reply`, `failure`, `correlated` and `addressed` skip validation; these laws are what allows it."""

    @settings(max_examples=200, deadline=None)
    @given(REQUESTS, OBJECTS, MOMENTS, KINDS, st.none() | st.text("a.", min_size=1))
    def test_a_reply(
        self,
        asked: ModelOnexEnvelope,
        payload: JsonObject,
        now: datetime,
        kind: EnumHandlerType | None,
        name: str | None,
    ) -> None:
        reply = asked.reply(payload, timestamp=now, handler_type=kind, operation=name)
        assert_same(reply)
        assert asked.encoded_reply(payload, timestamp=written(now), handler_type=kind, operation=name) == encode(
            reply
        )

    @settings(max_examples=200, deadline=None)
    @given(REQUESTS, ERRORS, MOMENTS)
    def test_a_failure(self, asked: ModelOnexEnvelope, error: RuntimeHostError, now: datetime) -> None:
        assert_same(asked.failure(error, timestamp=now))

    @settings(max_examples=100, deadline=None)
    @given(REQUESTS, st.uuids())
    def test_a_correlated_request(self, asked: ModelOnexEnvelope, correlation_id: UUID) -> None:
        without = asked.model_copy(update={"correlation_id": None})
        assert_same(without.correlated(correlation_id))

    @settings(max_examples=100, deadline=None)
    @given(REQUESTS, st.sampled_from(EnumHandlerType), OBJECTS)
    def test_an_addressed_request(
        self, asked: ModelOnexEnvelope, kind: EnumHandlerType, payload: JsonObject
    ) -> None:
        assert_same(asked.addressed(kind, "x.y", payload))


def assert_same(made: ModelOnexEnvelope) -> None:
    """Equal to the validated one, in every way in which an envelope is used, and JSON in and out without loss."""
    other = validated(made)
    assert made == other
    assert list(made.__dict__) == list(other.__dict__)
    assert made.model_fields_set == other.model_fields_set
    assert made.model_dump() == other.model_dump()
    assert encode(made) == encode(other)
    assert decode(encode(made)) == made
    assert made.model_copy(update={"metadata": {}}).metadata == {}
    assert repr(made) == repr(other)


class TestJson:
    @settings(max_examples=300, deadline=None)
    @given(REQUESTS)
    def test_a_request_is_the_same_after_a_trip_through_json(self, asked: ModelOnexEnvelope) -> None:
        again = decode(encode(asked))
        assert again == asked
        assert again.timestamp.utcoffset() == asked.timestamp.utcoffset()
        assert encode(again) == encode(asked)

    def test_every_field_is_written_with_null_for_what_there_is_not(self) -> None:
        assert json.loads(encode(request())) == {
            "envelope_id": str(ID),
            "envelope_version": "1.0.0",
            "correlation_id": None,
            "causation_id": None,
            "source_node": None,
            "target_node": "orders",
            "handler_type": None,
            "operation": None,
            "payload": None,
            "metadata": {},
            "timestamp": "2026-01-31T12:00:00Z",
            "ttl_seconds": None,
            "is_response": False,
            "success": None,
            "error": None,
        }

    def test_null_in_an_optional_field_is_its_default(self) -> None:
        raw = json.loads(encode(request()))
        nulls = {**raw, "envelope_version": None, "metadata": None, "is_response": None}
        assert decode(json.dumps(nulls).encode()) == request()

    def test_null_details_of_an_error_are_none(self) -> None:
        raw = json.loads(encode(request().failure(TIMEOUT, timestamp=NOON)))
        raw["error"]["details"] = None
        error = decode(json.dumps(raw).encode()).error
        assert error is not None
        assert error.details == {}

    def test_two_envelopes_share_no_default(self) -> None:
        assert request().metadata is not request().metadata


class TestReply:
    def test_a_reply_says_whose_answer_it_is(self) -> None:
        asked = request(correlation_id=CORRELATION, source_node="shop", metadata={"trace": "t"}, ttl_seconds=5)
        reply = asked.reply({"n": 1}, timestamp=LATER, handler_type=EnumHandlerType.DB, operation="db.query")
        assert reply.model_dump() == {
            "envelope_id": uuid5(ID, "onex.response"),
            "envelope_version": "1.0.0",
            "correlation_id": CORRELATION,
            "causation_id": ID,
            "source_node": "orders",
            "target_node": "shop",
            "handler_type": EnumHandlerType.DB,
            "operation": "db.query",
            "payload": {"n": 1},
            "metadata": {"trace": "t", "original_target_node": "orders"},
            "timestamp": LATER,
            "ttl_seconds": None,
            "is_response": True,
            "success": True,
            "error": None,
        }

    def test_without_a_source_node_nobody_is_addressed(self) -> None:
        assert request().reply({}, timestamp=LATER).target_node is None
        assert request(source_node="").reply({}, timestamp=LATER).target_node is None

    def test_what_the_request_named_stands_where_the_reply_names_nothing(self) -> None:
        asked = request(handler_type=EnumHandlerType.HTTP, operation="http.get")
        reply = asked.reply({}, timestamp=LATER)
        assert (reply.handler_type, reply.operation) == (EnumHandlerType.HTTP, "http.get")

    def test_a_reply_in_two_steps_is_the_same(self) -> None:
        asked = request(source_node="asker", operation="db.query", metadata={"a": 1})
        complete = asked.drafted_reply(EnumHandlerType.DB)
        whole = asked.reply({"rows": []}, timestamp=LATER, handler_type=EnumHandlerType.DB)
        assert complete({"rows": []}, LATER) == whole

    @settings(deadline=None)
    @given(st.uuids())
    def test_the_response_id_is_the_uuid5_of_the_request_id(self, envelope_id: UUID) -> None:
        asked = request(envelope_id=envelope_id)
        assert asked.response_id == uuid5(envelope_id, "onex.response")
        assert asked.response_id.version == 5

    def test_a_redelivered_request_has_the_same_response_id_whatever_came_of_it(self) -> None:
        first = decode(encode(request())).reply({}, timestamp=NOON)
        again = decode(encode(request())).failure(TIMEOUT, timestamp=LATER)
        assert first.envelope_id == again.envelope_id


class TestFailure:
    def test_a_failure_carries_what_the_bus_may_know(self) -> None:
        response = request(operation="http.get").failure(TIMEOUT, timestamp=LATER)
        assert response.success is False
        assert response.payload is None
        assert response.error == ModelEnvelopeError(
            code=EnumErrorCode.HANDLER_TIMEOUT,
            message="no answer within 30 ms",
            retryable=True,
            details={"timeout_ms": 30},
        )

    def test_what_was_executed_is_what_the_error_says_before_what_the_request_says(self) -> None:
        asked = request(handler_type=EnumHandlerType.HTTP, operation="http.get")
        error = HandlerExecutionError("x", handler_type=EnumHandlerType.DB, operation="db.query")
        response = asked.failure(error, timestamp=LATER)
        assert (response.handler_type, response.operation) == (EnumHandlerType.DB, "db.query")
        assert asked.failure(TIMEOUT, timestamp=LATER).operation == "http.get"

    def test_neither_a_cause_nor_a_trace_goes_out(self) -> None:
        try:
            try:
                raise KeyError("password=canary")
            except KeyError as cause:
                raise HandlerExecutionError("The call failed") from cause
        except HandlerExecutionError as error:
            raw = encode(request().failure(error, timestamp=NOON))
        assert b"canary" not in raw
        assert b"KeyError" not in raw
        assert b"Traceback" not in raw

    @pytest.mark.parametrize(
        "bad",
        [{1, 2}, float("nan"), float("inf"), ID, NOON, b"x", object(), "\ud800", ["\ud800"], {1: 2}, {"a": {3}}],
    )
    def test_a_detail_that_is_no_json_is_left_out_and_the_failure_is_told(self, bad: Any) -> None:
        error = IndeterminateEffectError("The connection was lost", details={"bad": bad, "attempts": 2})
        response = request().failure(error, timestamp=NOON)
        assert response.error is not None
        assert response.error.details == {"effect": "indeterminate", "attempts": 2}
        assert decode(encode(response)) == response

    def test_details_that_hold_themselves_are_left_out(self) -> None:
        details: dict[str, Any] = {"n": 1}
        details["self"] = details
        response = request().failure(HandlerExecutionError("x", details=details), timestamp=NOON)
        assert response.error is not None
        assert response.error.details == {"n": 1}

    def test_texts_that_are_no_unicode_are_escaped(self) -> None:
        response = request().failure(HandlerExecutionError("a\ud800", operation="b\udfff"), timestamp=NOON)
        assert response.error is not None
        assert (response.error.message, response.error.operation) == (r"a\ud800", r"b\udfff")
        assert decode(encode(response)) == response


class TestCorrelation:
    def test_a_request_without_a_correlation_id_gets_the_hosts(self) -> None:
        assert request().correlated(CORRELATION) == request(correlation_id=CORRELATION)

    def test_one_that_has_its_own_keeps_it(self) -> None:
        asked = request(correlation_id=CORRELATION)
        assert asked.correlated(ID) is asked

    @pytest.mark.parametrize(
        "answer", [lambda e: e.reply({}, timestamp=NOON), lambda e: e.failure(TIMEOUT, timestamp=NOON)]
    )
    def test_every_response_echoes_it(self, answer: Callable[[ModelOnexEnvelope], ModelOnexEnvelope]) -> None:
        assert answer(request(correlation_id=CORRELATION)).correlation_id == CORRELATION
        assert answer(request()).correlation_id is None

    def test_what_a_handler_gets_keeps_it_too(self) -> None:
        asked = request(correlation_id=CORRELATION).addressed(EnumHandlerType.DB, "db.query", {})
        assert asked.correlation_id == CORRELATION


class TestValues:
    @pytest.mark.parametrize("field", ModelOnexEnvelope.model_fields)
    def test_no_field_can_be_set_or_deleted(self, field: str) -> None:
        for envelope in (request(), request().reply({}, timestamp=NOON)):
            with pytest.raises(ValidationError, match="frozen"):
                setattr(envelope, field, getattr(envelope, field))
            with pytest.raises(ValidationError, match="frozen"):
                delattr(envelope, field)

    def test_no_method_changes_the_request(self) -> None:
        asked = request(payload={"a": [1]}, metadata={"b": {"c": 2}})
        before = encode(asked)
        asked.reply({}, timestamp=LATER)
        asked.failure(TIMEOUT, timestamp=LATER)
        asked.correlated(CORRELATION)
        asked.addressed(EnumHandlerType.HTTP, "http.get", {})
        assert encode(asked) == before

    def test_an_error_is_a_value_too(self) -> None:
        error = ModelEnvelopeError.of(TIMEOUT)
        with pytest.raises(ValidationError, match="frozen"):
            error.message = "changed"

    def test_later_changes_of_an_errors_details_reach_no_envelope(self) -> None:
        error = HandlerTimeoutError("x", details={"n": 1})
        response = request().failure(error, timestamp=NOON)
        error.details["n"] = 2
        assert response.error is not None
        assert response.error.details == {"n": 1}


class TestConstructor:
    def test_an_unknown_field_is_refused(self) -> None:
        assert refused_field(priority=1) == ("priority", "extra_forbidden")

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
    def test_nan_and_infinity_are_refused_wherever_they_are(self, value: float) -> None:
        assert refused_field(payload={"a": [value]}) == ("payload", "finite_number")
        assert refused_field(metadata={"a": value}) == ("metadata", "finite_number")
        assert refused_field(ttl_seconds=value)[0] == "ttl_seconds"

    @pytest.mark.parametrize(
        ("timestamp", "why"),
        [
            (datetime(2026, 1, 31, 12), "offset"),  # noqa: DTZ001 - that it has no offset is the point
            (NOON.astimezone(timezone(timedelta(seconds=90))), "offset"),
            ("2026-01-31T12:00:00Z", "datetime_type"),
            (1_700_000_000, "datetime_type"),
        ],
    )
    def test_a_timestamp_is_a_moment_with_an_offset_that_can_be_written(self, timestamp: object, why: str) -> None:
        assert refused_field(timestamp=timestamp) == ("timestamp", why)

    @pytest.mark.parametrize("ttl", [0, 0.0, -1, True])
    def test_a_ttl_is_a_number_above_zero(self, ttl: float) -> None:
        assert refused_field(ttl_seconds=ttl)[0] == "ttl_seconds"

    @pytest.mark.parametrize(
        ("fields", "field"),
        [
            ({"target_node": None}, "target_node"),
            ({"success": True}, "is_response"),
            ({"success": False}, "is_response"),
            ({"error": ModelEnvelopeError.of(TIMEOUT)}, "is_response"),
            ({"is_response": True}, "success"),
            ({"is_response": True, "success": False}, "error"),
            ({"is_response": True, "success": True, "error": ModelEnvelopeError.of(TIMEOUT)}, "error"),
            (
                {"is_response": True, "success": False, "error": ModelEnvelopeError.of(TIMEOUT), "payload": {}},
                "payload",
            ),
        ],
    )
    def test_a_request_has_no_outcome_and_a_response_has_one(self, fields: dict[str, Any], field: str) -> None:
        assert refused_field(**fields) == (field, "inconsistent")

    def test_a_response_needs_no_target(self) -> None:
        assert request(target_node=None, is_response=True, success=True).target_node is None

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("envelope_id", str(ID)),
            ("envelope_version", "2.0.0"),
            ("target_node", ""),
            ("operation", ""),
            ("handler_type", "http"),
            ("handler_type", "kafka"),
            ("payload", []),
            ("payload", {"a": {1}}),
            ("metadata", "x"),
            ("is_response", 1),
        ],
    )
    def test_values_of_another_kind_are_refused(self, field: str, value: object) -> None:
        assert refused_field(**{field: value})[0] == field
