"""Laws: whatever the type can hold comes back exactly."""

import asyncio
import base64
import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from tests.integration.db.database import database

LAW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))

TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


def through(dsn: str, kind: str, values: list[JsonValue]) -> list[JsonValue]:
    """Each value sent as a parameter of the type, and what came back."""

    async def run() -> list[JsonValue]:
        async with database(dsn) as db:
            return [await db.value(f"SELECT $1::{kind} AS v", value) for value in values]

    return asyncio.run(run())


def same(sent: JsonValue, came: JsonValue) -> bool:
    """Equal, where a number without a fraction may come as an integer: jsonb shows 1e16 as its digits."""
    if isinstance(sent, list) and isinstance(came, list):
        return len(sent) == len(came) and all(map(same, sent, came))
    if isinstance(sent, dict) and isinstance(came, dict):
        return sent.keys() == came.keys() and all(same(sent[key], came[key]) for key in sent)
    if isinstance(sent, float) and isinstance(came, int | float):
        return float(came) == sent
    return sent == came and type(sent) is type(came)


@given(values=st.lists(JSON.filter(lambda value: value is not None), min_size=1, max_size=8))
@example(values=[-0.0, 5e-324, 1.7976931348623157e308, 2**63 - 1, {"": [[]]}])
@LAW
def test_jsonb_keeps_every_json_value(postgres_dsn: str, values: list[JsonValue]) -> None:
    assert same(values, through(postgres_dsn, "jsonb", values))


@given(values=st.lists(TEXT, min_size=1, max_size=8))
@LAW
def test_text_keeps_every_character_but_nul(postgres_dsn: str, values: list[JsonValue]) -> None:
    assert through(postgres_dsn, "text", values) == values


@given(values=st.lists(st.decimals(allow_nan=False, allow_infinity=False, places=12), min_size=1, max_size=8))
@example(values=[Decimal("1e-900"), Decimal("-9" * 1 + "9" * 990), Decimal("0.000")])
@LAW
def test_numeric_keeps_every_digit_and_the_scale(postgres_dsn: str, values: list[Decimal]) -> None:
    sent: list[JsonValue] = [format(value, "f") for value in values]
    came = through(postgres_dsn, "numeric", sent)
    assert [Decimal(str(text)) for text in came] == values
    assert [str(text).lstrip("-") for text in came] == [str(text).lstrip("-") for text in sent]


@given(values=st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32), min_size=1, max_size=8))
@LAW
def test_float4_comes_back_as_the_same_single(postgres_dsn: str, values: list[float]) -> None:
    shortest = through(postgres_dsn, "float4", list(values))
    again = through(postgres_dsn, "float4", shortest)
    assert again == shortest
    assert all(
        math.isclose(float(str(a)), b, rel_tol=1e-7, abs_tol=1e-44) for a, b in zip(again, values, strict=True)
    )


@given(values=st.lists(MOMENTS, min_size=1, max_size=8))
@LAW
def test_timestamptz_keeps_every_microsecond(postgres_dsn: str, values: list[datetime]) -> None:
    came = through(postgres_dsn, "timestamptz", [value.isoformat() for value in values])
    assert [datetime.fromisoformat(str(text)) for text in came] == values
    assert all(str(text).endswith("Z") for text in came)


@given(values=st.lists(st.dates(), min_size=1, max_size=8))
@LAW
def test_date_keeps_every_day(postgres_dsn: str, values: list[date]) -> None:
    sent: list[JsonValue] = [value.isoformat() for value in values]
    assert through(postgres_dsn, "date", sent) == sent


@given(
    months=st.integers(-(2**31) + 2, 2**31 - 2),
    days=st.integers(-(2**31) + 2, 2**31 - 2),
    micros=st.integers(-(10**14), 10**14),
)
@LAW
def test_an_interval_comes_back_as_what_postgresql_makes_of_its_text(
    postgres_dsn: str, months: int, days: int, micros: int
) -> None:
    seconds = Decimal(micros) / 1_000_000
    sent = f"P{months}M{days}DT{seconds:f}S"
    (came,) = through(postgres_dsn, "interval", [sent])
    (same,) = through(postgres_dsn, "text::interval", [sent])
    assert came == same


@given(values=st.lists(st.binary(max_size=200), min_size=1, max_size=8))
@LAW
def test_bytea_keeps_every_byte(postgres_dsn: str, values: list[bytes]) -> None:
    sent: list[JsonValue] = [{"base64": base64.b64encode(value).decode()} for value in values]
    assert through(postgres_dsn, "bytea", sent) == sent


@given(values=st.lists(st.lists(TEXT | st.none(), max_size=5), min_size=1, max_size=5))
@LAW
def test_an_array_keeps_its_elements_and_its_nulls(postgres_dsn: str, values: list[JsonValue]) -> None:
    assert through(postgres_dsn, "text[]", values) == values


@pytest.mark.parametrize("offset", [-12, 0, 14])
def test_an_offset_moves_the_moment_and_nothing_else(postgres_dsn: str, offset: int) -> None:
    moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=offset)
    sent = moment.strftime("%Y-%m-%dT%H:%M:%S") + f"{'-' if offset < 0 else '+'}{abs(offset):02}:00"
    assert through(postgres_dsn, "timestamptz", [sent]) == ["2024-01-01T00:00:00Z"]
