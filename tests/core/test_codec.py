"""The codec against the format: what it takes is what a slow and strict reading takes, and it refuses in words."""

import json
import random
import re
from collections import OrderedDict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from omnibase_core.codec import MAX_DEPTH, MAX_ENVELOPE_BYTES, check_json, decode, encode
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.envelope import ModelEnvelopeError, ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError, PayloadTooLargeError

from tests.core import strict_reference
from tests.core.damage import (
    CANARY,
    GOOD,
    NUMBERS,
    TIMESTAMP_FORMS,
    UUID_FORMS,
    damaged,
    nested,
)
from tests.core.strict_reference import RefusedError, read_envelope

ID: Final = UUID("0e8b3c1a-5d2f-4b7e-9c6a-1f2e3d4c5b6a")
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
CANARY_IN_A_KEY: Final = re.compile(CANARY.encode() + rb'(?:[^"\\]|\\.)*"\s*:')
PATH: Final = re.compile(r"\$(?:\.[ -~]*…?|\[\d+\])*")


def expected(raw: bytes) -> dict[str, Any] | None:
    """What the strict reading makes of it; None where it refuses."""
    try:
        return read_envelope(raw)
    except RefusedError:
        return None


def taken(raw: bytes) -> ModelOnexEnvelope | EnvelopeValidationError:
    """What the codec makes of it, a refusal too."""
    try:
        return decode(raw)
    except EnvelopeValidationError as error:
        return error


def refusal(raw: bytes) -> EnvelopeValidationError:
    """How the codec refuses it."""
    with pytest.raises(EnvelopeValidationError) as caught:
        decode(raw)
    return caught.value


def values(model: ModelOnexEnvelope | ModelEnvelopeError) -> dict[str, Any]:
    """The fields of an envelope, as the strict reading has them."""
    fields = {name: getattr(model, name) for name in type(model).model_fields}
    if isinstance(fields.get("error"), ModelEnvelopeError):
        fields["error"] = values(fields["error"])
    return fields


def alike(value: object, other: object) -> bool:
    """Whether two values are one and the same to a program: of one type, in one order, to the last bit."""
    if isinstance(value, dict) and isinstance(other, dict):
        return list(value) == list(other) and all(alike(value[name], other[name]) for name in value)
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and all(map(alike, value, other))
    if isinstance(value, str) and isinstance(other, str):
        return value == other
    if isinstance(value, datetime) and isinstance(other, datetime):
        return value == other and value.utcoffset() == other.utcoffset()
    return type(value) is type(other) and repr(value) == repr(other)


def assert_agreement(raw: bytes) -> bool:
    """The codec takes exactly what the strict reading takes, with the same values; whether it took it."""
    wanted = expected(raw)
    envelope = taken(raw)
    if isinstance(envelope, EnvelopeValidationError):
        assert wanted is None, f"refused: {envelope.message}"
        assert_says_where_and_not_what(envelope, raw)
        return False
    assert wanted is not None, "accepted"
    assert alike(values(envelope), wanted)
    return True


def assert_says_where_and_not_what(error: EnvelopeValidationError, raw: bytes) -> None:
    """Path or offset, and none of the values."""
    assert type(error) is EnvelopeValidationError
    assert PATH.fullmatch(error.path), error.path
    assert error.message.startswith(f"{error.path}: ")
    assert error.details["path"] == error.path
    assert error.offset is None or 0 <= error.offset <= len(raw)
    assert error.details.get("offset") == error.offset
    assert CANARY not in error.message or CANARY_IN_A_KEY.search(raw)
    assert not re.search("[Pp]ydantic|jiter|Traceback", error.message)


def with_field(name: str, written: str) -> bytes:
    """The smallest request, with one field written like this."""
    fields = {"envelope_id": f'"{ID}"', "target_node": '"n"', "timestamp": '"2026-01-31T12:00:00Z"', name: written}
    return ("{" + ",".join(f'"{field}":{text}' for field, text in fields.items()) + "}").encode()


class TestAgainstTheReference:
    @pytest.mark.parametrize("raw", GOOD)
    def test_good_envelopes_are_taken(self, raw: bytes) -> None:
        assert assert_agreement(raw)

    @pytest.mark.parametrize("seed", range(10))
    def test_damaged_envelopes(self, seed: int) -> None:
        taken = sum(map(assert_agreement, damaged(seed, 11_000)))
        assert 1_100 < taken < 5_500, "damage that nearly always, or nearly never, refuses tests little"

    @pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:24])
    @pytest.mark.parametrize("place", ["payload", "metadata", "error", "ttl_seconds", "payload key"])
    def test_every_number_in_every_place(self, place: str, number: str) -> None:
        error = '"code":"INTERNAL_ERROR","message":"","retryable":false'
        field, written = {
            "payload": ("payload", f'{{"a":[{number}]}}'),
            "metadata": ("metadata", f'{{"a":{number}}}'),
            "error": ("error", f'{{{error},"details":{{"a":{number}}}}},"is_response":true,"success":false'),
            "ttl_seconds": ("ttl_seconds", number),
            "payload key": ("payload", f'{{"{number}":{{"{number}":1}}}}'),
        }[place]
        assert_agreement(with_field(field, written))

    @pytest.mark.parametrize("form", UUID_FORMS)
    @pytest.mark.parametrize("field", ["envelope_id", "correlation_id", "causation_id"])
    def test_every_form_of_a_uuid(self, field: str, form: str) -> None:
        assert assert_agreement(with_field(field, f'"{form}"')) is (form == str(ID).upper())

    @pytest.mark.parametrize("form", TIMESTAMP_FORMS)
    def test_every_form_of_a_timestamp(self, form: str) -> None:
        assert_agreement(with_field("timestamp", f'"{form}"'))

    @pytest.mark.parametrize("depth", [MAX_DEPTH - 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 200])
    @pytest.mark.parametrize("in_lists", [True, False])
    @pytest.mark.parametrize("innermost", [None, 1])
    @pytest.mark.parametrize("field", ["payload", "metadata", "details"])
    def test_every_depth_with_and_without_something_in_the_innermost_container(
        self, field: str, innermost: object, in_lists: bool, depth: int
    ) -> None:
        around = 3 if field == "details" else 2
        value = json.dumps({"a": nested(depth - around, innermost, in_lists=in_lists)})
        if field == "details":
            error = f'{{"code":"INTERNAL_ERROR","message":"","retryable":false,"details":{value}}}'
            raw = with_field("error", f'{error},"is_response":true,"success":false')
        else:
            raw = with_field(field, value)
        assert assert_agreement(raw) is (depth <= MAX_DEPTH)

    @pytest.mark.parametrize("field", strict_reference.FIELDS)
    @pytest.mark.parametrize(
        "written", ["null", "true", "false", "0", "1", '""', '"x"', "[]", "{}", '{"a":null}', "1.5"]
    )
    def test_every_kind_of_value_in_every_field(self, field: str, written: str) -> None:
        assert_agreement(with_field(field, written))
        assert_agreement(with_field("is_response", f'true,"success":true,"{field}":{written}'))

    @pytest.mark.parametrize("code", EnumErrorCode)
    def test_every_code_and_the_reference_knows_them_all(self, code: EnumErrorCode) -> None:
        error = f'{{"code":"{code}","message":"","retryable":false}}'
        assert assert_agreement(with_field("error", f'{error},"is_response":true,"success":false'))

    @pytest.mark.parametrize("kind", EnumHandlerType)
    def test_every_handler_type_and_the_reference_knows_them_all(self, kind: EnumHandlerType) -> None:
        assert assert_agreement(with_field("handler_type", f'"{kind}"'))
        assert set(strict_reference.HANDLER_TYPES) == set(EnumHandlerType)

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b" ",
            b"\x00",
            b"null",
            b"[]",
            b"{}",
            b'"x"',
            b"{",
            b"}",
            b"\xff",
            b"\xef\xbb\xbf" + GOOD[0],
            GOOD[0].decode().encode("utf-16"),
            GOOD[0] + b",",
            GOOD[0] * 2,
            GOOD[0][:-1],
            b"[" * 100_000,
            b'{"payload":' * 50_000,
            with_field("payload", '{"a":"\ud800"}'.encode("utf-8", "surrogatepass").decode("latin-1")),
            with_field("payload", '{"a":"').replace(b'{"a":"}', b'{"a":"\xc3"}}'),
            with_field("payload", '{"a":"').replace(b'{"a":"}', b'{"\xed\xa0\x80":"a"}}'),
        ],
        ids=lambda raw: repr(raw[:20]),
    )
    def test_garbage(self, raw: bytes) -> None:
        assert_agreement(raw)

    @pytest.mark.parametrize(
        "payload",
        [
            r'{"a":1,"a":1}',
            r'{"a":1,"\u0061":2}',
            r'{"\u0061":1,"\u0061":2}',
            r'{"x":{"a" : 1, "a"' + "\n" + ":2}}",
            r'{"a":1,"a" :2,"b":"\":"}',
            r'{"a":"\" :","a":1}',
            r'[{"a":1},{"a":2,"a":3}]',
        ],
    )
    def test_a_key_that_stands_twice_is_found_however_it_is_spelled(self, payload: str) -> None:
        assert not assert_agreement(with_field("payload", f'{{"in":{payload}}}'))
        assert not assert_agreement(with_field("metadata", payload) if payload[0] == "{" else b"")

    @pytest.mark.parametrize("hidden", range(4))
    def test_keys_that_stand_twice_are_not_hidden_by_colons_that_a_timestamp_lacks(self, hidden: int) -> None:
        payload = ",".join(['"a":1'] * (hidden + 1))
        for timestamp in ("2026-01-31T12:00:00Z", r"2026-01-31T12\u003a00:00Z", r"2026-01-31T12\u003a00\u003a00Z"):
            raw = with_field("payload", f"{{{payload}}}").replace(b"2026-01-31T12:00:00Z", timestamp.encode())
            assert assert_agreement(raw) == (hidden == 0)

    @pytest.mark.parametrize(
        "payload",
        [r'{"a":"\":"}', r'{"\":":"a"}', '{"a"\t:1}', '{"a":"\\" :"}', r'{"a":1,"A":2,"\u00e1":3,"a\u0301":4}'],
    )
    def test_what_only_looks_like_a_second_key_is_none(self, payload: str) -> None:
        assert assert_agreement(with_field("payload", payload))


TEXTS: Final = st.text(st.characters(exclude_categories=()), max_size=6) | st.sampled_from(
    ["a", "b", '":', "é😀", "\ud800"]
)
SCALARS: Final = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.integers(-3, 3)
    | st.floats()
    | st.sampled_from([2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 1e308, 5e-324])
    | TEXTS
)
JSON: Final = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
OBJECTS: Final = st.dictionaries(TEXTS, JSON, max_size=4)
ERRORS: Final = st.fixed_dictionaries(
    {
        "code": st.sampled_from([str(code) for code in EnumErrorCode]),
        "message": TEXTS,
        "retryable": st.booleans(),
    },
    optional={
        "handler_type": st.none() | st.sampled_from(strict_reference.HANDLER_TYPES),
        "operation": st.none() | TEXTS,
        "details": st.none() | OBJECTS,
    },
)
ENVELOPES: Final = st.fixed_dictionaries(
    {
        "envelope_id": st.uuids().map(str),
        "target_node": st.text("az_-", min_size=1),
        "timestamp": st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.isoformat()),
    },
    optional={
        "envelope_version": st.sampled_from(["1.0.0", "1.0.0", None, "1.0"]),
        "correlation_id": st.none() | st.uuids().map(str),
        "causation_id": st.none() | st.uuids().map(str),
        "source_node": st.none() | TEXTS,
        "handler_type": st.none() | st.sampled_from([*strict_reference.HANDLER_TYPES, "kafka"]),
        "operation": st.none() | TEXTS,
        "payload": st.none() | OBJECTS,
        "metadata": st.none() | OBJECTS,
        "ttl_seconds": st.none() | st.floats() | st.integers(-1, 2**65),
        "is_response": st.none() | st.booleans(),
        "success": st.none() | st.booleans(),
        "error": st.none() | ERRORS,
    },
)


def spelled(value: object, chance: random.Random) -> str:
    """The value as JSON, in one of the ways in which it can be written: white space, escapes, forms of numbers."""
    space = chance.choice(("", "", "", " ", "\n\t", "\r"))
    if isinstance(value, dict):
        members = [f"{spelled(str(key), chance)}:{spelled(item, chance)}" for key, item in value.items()]
        return space + "{" + space + ",".join(members) + "}" + space
    if isinstance(value, list):
        return space + "[" + ",".join(spelled(item, chance) for item in value) + space + "]"
    if isinstance(value, str):
        escaped = "".join(_character(character, chance) for character in value)
        return f'{space}"{escaped}"{space}'
    return space + json.dumps(value) + space


def _character(character: str, chance: random.Random) -> str:
    code = ord(character)
    if code < 0x20 or character in '"\\' or 0xD800 <= code < 0xE000 or chance.random() < 0.2:
        units = character.encode("utf-16-be", "surrogatepass")
        return "".join(rf"\u{units[i]:02x}{units[i + 1]:02X}" for i in range(0, len(units), 2))
    return character


class TestLaws:
    @settings(max_examples=500, deadline=None)
    @given(ENVELOPES, st.randoms(use_true_random=False))
    def test_any_envelope_however_it_is_spelled_and_what_was_taken_goes_out_as_it_came_in(
        self, fields: dict[str, Any], chance: random.Random
    ) -> None:
        raw = spelled(fields, chance).encode()
        if assert_agreement(raw):
            envelope = decode(raw)
            assert alike(values(decode(encode(envelope))), values(envelope))

    @settings(max_examples=300, deadline=None)
    @given(st.binary(max_size=64))
    def test_any_bytes(self, raw: bytes) -> None:
        assert_agreement(raw)

    @settings(max_examples=500, deadline=None)
    @given(JSON)
    def test_any_json(self, value: object) -> None:
        assert_agreement(json.dumps(value).encode())

    @settings(max_examples=500, deadline=None)
    @given(
        st.dictionaries(
            TEXTS | st.integers(),
            st.recursive(
                SCALARS | st.sampled_from([Decimal("1"), b"x", {1}, ID, NOON, EnumHandlerType.DB, object()]),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(TEXTS, inner, max_size=3)
                    | st.tuples(inner)
                    | st.dictionaries(TEXTS, inner, max_size=2).map(OrderedDict)
                ),
                max_leaves=6,
            ),
            max_size=3,
        )
    )
    @example({1: 2})
    @example({"a": {None: 2}})
    @example({"a": ["\udfff"]})
    @example({"a": {"\ud83d": 1}})
    @example({"a": nested(31)})
    @example({"a": nested(30)})
    def test_a_result_that_passes_the_check_is_read_back_as_it_was(self, result: Any) -> None:
        problem = None
        try:
            check_json(result)
        except EnvelopeValidationError as error:
            problem = error
        if problem is None:
            assert alike(sent(result), result)
        else:
            assert re.match(r"\$\.payload(\.|\[|$)", problem.path)
            with pytest.raises((EnvelopeValidationError, AssertionError, ValueError, UserWarning)):
                assert alike(sent(result), result)


def sent(payload: Any) -> object:
    """The payload as it arrives after it was encoded and decoded."""
    request = ModelOnexEnvelope(envelope_id=ID, target_node="n", timestamp=NOON)
    return decode(encode(request.reply(payload, timestamp=NOON))).payload


class TestRefusals:
    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"", "$: not JSON at byte 0: a value is expected"),
            (b"{", "$: not JSON at byte 1: a key in double quotes is expected"),
            (b"{}x", "$: not JSON at byte 2: more text behind the end of the object; send one envelope at a time"),
            ('{"é": x}'.encode(), "$: not JSON at byte 7: a value is expected"),
            (b'{"a": "\xff"}', "$: invalid UTF-8 at byte 7"),
            (b"\xef\xbb\xbf{}", "$: not JSON at byte 0: a byte order mark; encode the text as UTF-8 without one"),
            (b"[" * 100_000, "$: nested deeper than 32 levels"),
            (b"[]", "$: an envelope is a JSON object"),
            (b"{}", "$.envelope_id: the field is required"),
            (
                with_field("x" * 100, "1"),
                f"$.{'x' * 64}…: unknown field; an envelope has no other fields than those documented",
            ),
            (
                with_field(r"\u0000\u00e9", "1"),
                r"$.\x00\xe9: unknown field; an envelope has no other fields than those documented",
            ),
            (with_field("payload", '{"a":1,"a":2}'), "$.payload.a: the key stands twice in its object"),
            (with_field("payload", '{"a":[0,{"b":NaN}]}'), "$.payload.a[1].b: NaN is no JSON number"),
            (with_field("payload", '{"a":1e400}'), "$.payload.a: the number is beyond the range of a double"),
            (with_field("metadata", f'{{"a":{2**63}}}'), "$.metadata.a: the integer is beyond 64 bits"),
            (with_field("ttl_seconds", f"{2**63}"), "$.ttl_seconds: the integer is beyond 64 bits"),
            (with_field("ttl_seconds", "0"), "$.ttl_seconds: must be greater than 0"),
            (with_field("payload", r'{"a":"\udc00"}'), "$.payload.a: a lone surrogate is no Unicode text"),
            (with_field("payload", r'{"\udc00":1}'), r"$.payload.\udc00: a key must be text of valid Unicode"),
            *(
                (
                    with_field("timestamp", f'"{text}"'),
                    "$.timestamp: there is no such date, time or offset; check each of its numbers",
                )
                for text in (
                    "2026-13-01T00:00:00Z",
                    "2026-01-01T25:00:00Z",
                    "2026-02-30T00:00:00Z",
                    "0000-01-01T00:00:00Z",
                )
            ),
            (
                with_field("timestamp", '"yesterday"'),
                "$.timestamp: must be RFC 3339 with seconds and an offset, such as 2026-01-31T12:00:00Z",
            ),
            (
                with_field("target_node", '""'),
                "$.target_node: must not be empty; write a name, or leave the field out",
            ),
            (with_field("is_response", '"yes"'), "$.is_response: must be true or false, without quotes"),
            (with_field("envelope_version", '"2.0.0"'), "$.envelope_version: must be '1.0.0'"),
            (
                with_field("handler_type", '"htp"'),
                "$.handler_type: must be 'local', 'http', 'db', 'vault' or 'consul'",
            ),
            (
                b'{"a": "\n"}',
                r"$: not JSON at byte 7: a line break or other control character in a text; escape it: \n",
            ),
            (b'{"a": "x', "$: not JSON at byte 6: a text begins here that has no closing quote"),
            (with_field("payload", "[1]"), "$.payload: must be an object"),
            (
                with_field("envelope_id", f'"{ID.hex}"'),
                "$.envelope_id: must be a UUID with dashes, such as 123e4567-e89b-42d3-a456-426614174000",
            ),
            (with_field("success", "true"), "$.is_response: a request has neither success nor error"),
            (with_field("target_node", "null"), "$.target_node: a request names its node: the slug is required"),
            (with_field("is_response", "true"), "$.success: a response says whether it succeeded: true or false"),
            (
                with_field("is_response", 'true,"success":false'),
                "$.error: a failure carries an error, a success none",
            ),
            (
                with_field(
                    "is_response",
                    'true,"success":false,"error":{"code":"INTERNAL_ERROR","message":1,"retryable":true}',
                ),
                "$.error.message: must be text in quotes",
            ),
        ],
        ids=lambda value: None if isinstance(value, bytes) else value[:50],
    )
    def test_each_says_where_and_what(self, raw: bytes, message: str) -> None:
        error = refusal(raw)
        assert error.message == message
        assert_says_where_and_not_what(error, raw)

    @pytest.mark.parametrize("field", strict_reference.FIELDS)
    @pytest.mark.parametrize(
        "written",
        [
            f'"{CANARY}"',
            f'{{"code":"{CANARY}"}}',
            f'["{CANARY}"]',
            "7391133977",
            "-7391133977.5",
            f'"2026-01-31T12:00:00{CANARY}"',
        ],
    )
    def test_no_refusal_holds_the_value(self, field: str, written: str) -> None:
        raw = with_field(field, written)
        if expected(raw) is None:
            told = str(refusal(raw)) + json.dumps(refusal(raw).details)
            assert CANARY not in told
            assert "7391133977" not in told

    def test_no_refusal_of_a_syntax_error_holds_the_text_around_it(self) -> None:
        for position in range(len(GOOD[1])):
            raw = GOOD[1][:position] + b"\x01" + GOOD[1][position:]
            assert CANARY not in refusal(raw).message

    def test_the_offset_of_a_syntax_error_is_for_programs_too(self) -> None:
        assert refusal(b'{"a": }').details == {"path": "$", "offset": 6}

    def test_a_refusal_has_no_cause_that_could_hold_the_input(self) -> None:
        for raw in (b"{", with_field("payload", "1"), b"\xff", b"[" * 100_000):
            assert refusal(raw).__cause__ is None
            assert refusal(raw).__suppress_context__


class TestSize:
    def test_an_envelope_may_have_as_many_bytes_as_the_limit(self) -> None:
        assert decode(GOOD[0], len(GOOD[0])).target_node == "user_service_effect"

    def test_one_byte_more_is_too_large_whatever_the_bytes_are(self) -> None:
        for raw in (GOOD[0], b"x" * len(GOOD[0])):
            with pytest.raises(PayloadTooLargeError) as caught:
                decode(raw, len(raw) - 1)
            assert caught.value.message == (
                f"$: the envelope has {len(raw)} bytes, the limit is {len(raw) - 1}; "
                "send less, or a reference to the data"
            )

    def test_the_limit_is_one_mebibyte_unless_told(self) -> None:
        room = MAX_ENVELOPE_BYTES - len(with_field("payload", '{"a":""}'))
        assert decode(with_field("payload", f'{{"a":"{"x" * room}"}}')).payload == {"a": "x" * room}
        with pytest.raises(PayloadTooLargeError):
            decode(with_field("payload", f'{{"a":"{"x" * (room + 1)}"}}'))


class TestEncode:
    def test_the_fields_stand_in_the_order_of_the_format_without_white_space(self) -> None:
        raw = encode(decode(GOOD[1]))
        assert tuple(json.loads(raw)) == strict_reference.FIELDS
        assert b": " not in raw

    def test_text_goes_out_as_utf_8(self) -> None:
        assert "é😀".encode() in encode(decode(with_field("payload", r'{"a":"\u00e9\ud83d\ude00"}')))
