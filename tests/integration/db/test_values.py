"""Every type in both directions: what goes in as JSON, and what comes out."""

import pytest
from omnibase_core.errors import InvalidParameterError, RuntimeHostError, UnexpectedResultError
from pydantic import JsonValue

from tests.integration.db.database import Database

pytestmark = pytest.mark.asyncio

ROUND_TRIPS: list[tuple[str, JsonValue]] = [
    ("bool", True),
    ("int2", -32768),
    ("int4", 2147483647),
    ("int8", -9223372036854775808),
    ("oid", 4294967295),
    ("float4", 1.1),
    ("float4", 3.4028235e38),
    ("float8", 0.1),
    ("float8", 1.7976931348623157e308),
    ("numeric", "12345678901234567890.000000000000000000010"),
    ("numeric", "-0.0000000001"),
    ("text", 'Grüße 😀 \n "quoted"'),
    ("varchar(10)", "abc"),
    ("name", "abc"),
    ("uuid", "0198a7b2-1111-7222-8333-444455556666"),
    ("date", "0001-01-01"),
    ("date", "9999-12-31"),
    ("time", "23:59:59.999999"),
    ("timestamp", "2024-02-29T12:30:00.123456"),
    ("timestamptz", "9999-12-31T23:59:59.999999Z"),
    ("timestamptz", "0001-01-01T00:00:00Z"),
    ("interval", "P1Y2M3DT4H5M6.789S"),
    ("interval", "P-1M2DT-0.5S"),
    ("interval", "PT0S"),
    ("bytea", {"base64": "AAECAw=="}),
    ("jsonb", {"a": [1, 2.5, None, True, "x"], "b": {}}),
    ("json", ["a", {"b": None}]),
    ("inet", "10.0.0.1"),
    ("inet", "10.0.0.1/8"),
    ("inet", "2001:db8::1"),
    ("cidr", "10.0.0.0/8"),
    ("macaddr", "08:00:2b:01:02:03"),
    ("int4[]", [1, None, 3]),
    ("int4[]", [[1, 2], [3, 4]]),
    ("text[]", []),
    ("uuid[]", ["0198a7b2-1111-7222-8333-444455556666", None]),
    ("numeric[]", ["1.10", "2"]),
    ("timestamptz[]", ["2024-01-01T00:00:00Z", None]),
    ("date[]", [["2024-01-01"], ["2024-01-02"]]),
    ("bytea[]", [{"base64": "AA=="}]),
    ("jsonb[]", [{"a": 1}, None, [1, 2]]),
]


@pytest.mark.parametrize(("kind", "value"), ROUND_TRIPS)
async def test_a_value_comes_back_as_it_went_in(db: Database, kind: str, value: JsonValue) -> None:
    assert await db.value(f"SELECT $1::{kind} AS v", value) == value


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in ROUND_TRIPS}))
async def test_null_goes_through_every_type(db: Database, kind: str) -> None:
    assert await db.value(f"SELECT $1::{kind} AS v", None) is None


@pytest.mark.parametrize(
    ("kind", "value", "out"),
    [
        ("numeric", 42, "42"),
        ("numeric", "1e3", "1000"),
        ("float8", 3, 3.0),
        ("uuid", "0198A7B2-1111-7222-8333-444455556666", "0198a7b2-1111-7222-8333-444455556666"),
        ("timestamptz", "2024-01-01T02:00:00.5+02:00", "2024-01-01T00:00:00.500000Z"),
        ("interval", "P1W", "P7D"),
        ("interval", "-PT90M", "PT-1H-30M"),
        ("interval", "P14M", "P1Y2M"),
    ],
)
async def test_other_forms_go_in_and_the_canonical_one_comes_out(
    db: Database, kind: str, value: JsonValue, out: JsonValue
) -> None:
    assert await db.value(f"SELECT $1::{kind} AS v", value) == out


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("bool", 1),
        ("int2", 32768),
        ("int4", True),
        ("int4", 2147483648),
        ("int4", "5"),
        ("int4", 1.0),
        ("int8", 9223372036854775808),
        ("oid", -1),
        ("float4", 3.5e38),
        ("float8", "1"),
        ("float8", False),
        ("float8", 9007199254740993),
        ("numeric", 1.5),
        ("numeric", "NaN"),
        ("numeric", "1e999999"),
        ("numeric", "1e2000"),
        ("numeric", "٣"),
        ("numeric", True),
        ("text", 5),
        ("text", "nul \x00"),
        ("text", "\ud800"),
        ("uuid", "0198a7b211117222833344445555666"),
        ("uuid", 5),
        ("date", "2023-02-29"),
        ("date", "20240101"),
        ("date", "infinity"),
        ("time", "24:00:00"),
        ("timestamp", "2024-01-01T00:00:00Z"),
        ("timestamp", "2024-01-01 00:00:00"),
        ("timestamptz", "2024-01-01T00:00:00"),
        ("timestamptz", 1700000000),
        ("interval", "1 day"),
        ("interval", "P"),
        ("interval", "P7DT"),
        ("interval", "P999999999Y"),
        ("bytea", "AAECAw=="),
        ("bytea", {"base64": "not base64!"}),
        ("bytea", {"base64": "AA==", "more": 1}),
        ("inet", "10.0.0.256"),
        ("cidr", "10.0.0.1/8"),
        ("int4[]", 5),
        ("int4[]", ["a"]),
        ("int4[]", [[1], [2, 3]]),
        ("point", "(1,2)"),
        ("int4range", "[1,2)"),
        ("bit(3)", "101"),
    ],
)
async def test_what_does_not_fit_is_refused_by_number_and_without_its_value(
    db: Database, kind: str, value: JsonValue
) -> None:
    with pytest.raises(InvalidParameterError) as refused:
        await db.query(f"SELECT $1::text AS a, $2::{kind} IS NULL AS v", "fits", value)
    assert refused.value.details["parameter"] == "$2"
    assert "$2" in refused.value.message
    if isinstance(value, str) and len(value) > 3:
        assert value not in refused.value.message


@pytest.mark.parametrize("value", ["yes", "maybe"])
async def test_an_enum_takes_its_labels_only(db: Database, value: str) -> None:
    await db.run("CREATE TYPE answer AS ENUM ('yes', 'no')")
    if value == "yes":
        assert await db.value("SELECT $1::answer AS v", value) == value
        assert await db.value("SELECT $1::answer[] AS v", [value]) == [value]
        return
    with pytest.raises(InvalidParameterError, match="22P02") as refused:
        await db.value("SELECT $1::answer AS v", value)
    assert value not in refused.value.message


async def test_a_domain_is_converted_as_the_type_that_it_is_over(db: Database) -> None:
    await db.run("CREATE DOMAIN positive AS int4 CHECK (VALUE > 0)")
    await db.run("CREATE TABLE t (n positive)")
    await db.run("INSERT INTO t (n) VALUES ($1)", 5)
    assert await db.query("SELECT n, ARRAY[n] AS many FROM t") == [{"n": 5, "many": [5]}]
    with pytest.raises(InvalidParameterError, match=r"\$1"):
        await db.run("INSERT INTO t (n) VALUES ($1)", "5")
    with pytest.raises(RuntimeHostError, match="check constraint") as broken:
        await db.run("INSERT INTO t (n) VALUES ($1)", -5)
    assert broken.value.details["sqlstate"] == "23514"


@pytest.mark.parametrize(
    "expression",
    [
        "'NaN'::numeric",
        "'Infinity'::numeric",
        "'NaN'::float8",
        "'-infinity'::float4",
        "'infinity'::timestamptz",
        "'-infinity'::timestamp",
        "'infinity'::date",
        "'infinity'::interval",
        "'4000-01-01 BC'::date",
        "'10000-01-01'::timestamptz",
        "'24:00:00'::time",
        "ARRAY[1.5, 'NaN']::float8[]",
        "'1e400'::jsonb",
        "'9223372036854775808'::jsonb",
        """'{"a": 1, "a": 2}'::json""",
        r"""'"\ud800"'::json""",
        "repeat('[', 5000)::text || repeat(']', 5000)::text AS t, (repeat('[', 5000) || repeat(']', 5000))::jsonb",
        "ROW(1, 2)",
        "'(1,2)'::point",
        "'[1,2)'::int4range",
        "B'101'",
        "'12:00:00+02'::timetz",
    ],
)
async def test_what_json_cannot_say_is_an_error_that_names_the_column(db: Database, expression: str) -> None:
    with pytest.raises(UnexpectedResultError) as refused:
        await db.query(f"SELECT 1 AS fine, {expression} AS odd")
    assert refused.value.details == {"column": "odd"}
    assert "'odd'" in refused.value.message
    assert await db.value("SELECT 1 AS v") == 1


async def test_with_a_cast_everything_goes_in_and_out_as_text(db: Database) -> None:
    assert await db.value("SELECT ($1::text::point)::text AS v", "(1,2)") == "(1,2)"
    assert await db.value("SELECT 'NaN'::float8::text AS v") == "NaN"


async def test_two_columns_of_one_name_are_refused_with_the_way_out(db: Database) -> None:
    with pytest.raises(UnexpectedResultError, match=r"'a'.*AS"):
        await db.query("SELECT 1 AS a, 2 AS a")


async def test_a_function_without_a_result_gives_null(db: Database) -> None:
    assert await db.value("SELECT pg_notify('channel', 'text') AS v") in (None, "")


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_the_number_of_parameters_is_checked_before_anything_runs(db: Database, count: int) -> None:
    await db.run("CREATE TABLE t (a int, b int)")
    with pytest.raises(InvalidParameterError, match=f"takes 2 parameters, {count} came"):
        await db.run("INSERT INTO t (a, b) VALUES ($1, $2)", *range(count))
    assert await db.query("SELECT a FROM t") == []
