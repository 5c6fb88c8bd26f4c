"""The topic grammar of SPEC 3.3: what is a topic, and the exact fault of what is none."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.topics import (
    DIRECTIONS,
    FIELD_DIRECTIONS,
    Topic,
    TopicError,
    check_topic,
    local_topics,
    parse_topic,
)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("onex.acme.user-service.cmd.v1", Topic("acme", "user-service", "cmd", 1)),
        ("onex.acme.user_service.evt.v12", Topic("acme", "user_service", "evt", 12)),
        ("onex.4711.0.error.v3", Topic("4711", "0", "error", 3)),
        ("onex.local.orders.state.v1", Topic("local", "orders", "state", 1)),
        ("onex.acme.admin.log.v1", Topic("acme", "admin", "log", 1)),
    ],
)
def test_a_valid_name_is_taken_apart(name: str, parts: Topic) -> None:
    assert parse_topic(name) == parts
    assert str(parts) == name
    assert check_topic(name) is None


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("onex.ACME.orders.cmd.v1", "uppercase letters are not allowed; write 'onex.acme.orders.cmd.v1'"),
        ("onex.acme.orders.cmd.V1", "uppercase letters are not allowed; write 'onex.acme.orders.cmd.v1'"),
        (
            "onex.acme.orders.command.v1",
            "'command' is no direction (did you mean 'cmd'?); directions are cmd, evt, error",
        ),
        ("onex.acme.orders.query.v1", "'query' is no direction; directions are cmd, evt, error, state, log"),
        ("onex.acme.orders.events.v1", "'events' is no direction (did you mean 'evt'?)"),
        ("onex.acme.orders.cmd.1", "the version is '1'; write v and a number from 1"),
        ("onex.acme.orders.cmd.v0", "the version is 'v0'"),
        ("onex.acme.orders.cmd.v01", "the version is 'v01'"),
        ("onex.acme.orders.cmd.latest", "the version is 'latest'"),
        ("onex.acme.orders.cmd", "the version is missing; add '.v1'"),
        ("acme.orders.cmd.v1", "the prefix is 'acme'; every topic starts with 'onex.'"),
        ("onexx.acme.orders.cmd.v1", "the prefix is 'onexx'"),
        ("onex..orders.cmd.v1", "segment 2 is empty"),
        ("onex.acme.orders.cmd.v1.", "segment 6 is empty"),
        ("", "segment 1 is empty"),
        ("onex.internal.debug.evt.v1", "the tenant 'internal' is reserved"),
        ("onex.debug.orders.evt.v1", "the tenant 'debug' is reserved"),
        ("onex.metrics.orders.evt.v1", "the tenant 'metrics' is reserved"),
        ("onex.health.orders.evt.v1", "the tenant 'health' is reserved"),
        ("onex.admin.orders.evt.v1", "the tenant 'admin' is reserved"),
        ("onex.-acme.orders.cmd.v1", "segment 2, '-acme', has other characters"),
        ("onex.acme._orders.cmd.v1", "segment 3, '_orders', has other characters"),
        ("onex.acme.or ders.cmd.v1", "segment 3, 'or ders', has other characters"),
        ("onex.acme.ördérs.cmd.v1", "segment 3, '\\xf6rd\\xe9rs', has other characters"),
        ("onex.acme.orders.cmd.v1\n", "segment 5, 'v1\\n', has other characters"),
        ("onex.acme.orders.cmd.v1.extra", "the name has 6 segments, a topic has 5"),
        ("onex.acme", "the name has 2 of 5 segments"),
        (f"onex.{'a' * 250}.orders.cmd.v1", "the name has 269 characters; a topic has at most 249"),
    ],
)
def test_an_invalid_name_is_refused_with_its_exact_fault(name: str, fault: str) -> None:
    with pytest.raises(TopicError, match=re.escape(fault)):
        parse_topic(name)
    assert fault in (check_topic(name) or "")


def test_a_name_of_249_characters_is_the_longest() -> None:
    longest = f"onex.{'a' * 230}.orders.cmd.v1"
    assert len(longest) == 249
    assert check_topic(longest) is None


@pytest.mark.parametrize(("field", "direction"), [("input", "cmd"), ("output", "evt"), ("dead_letter", "error")])
def test_each_field_of_a_runtime_contract_takes_one_direction(field: str, direction: str) -> None:
    for other in DIRECTIONS:
        problem = check_topic(f"onex.acme.orders.{other}.v1", FIELD_DIRECTIONS[field])
        fault = f"the direction is '{other}'; here it must be '{direction}'"
        assert problem == (None if other == direction else fault)


def test_a_bad_name_is_told_before_its_direction() -> None:
    assert check_topic("onex.acme.orders.evt", "cmd") == check_topic("onex.acme.orders.evt")


def test_the_in_memory_bus_has_topics_of_its_own_that_fit_their_fields() -> None:
    topics = local_topics("orders_host")
    assert topics == {
        "input": "onex.local.orders_host.cmd.v1",
        "output": "onex.local.orders_host.evt.v1",
        "dead_letter": "onex.local.orders_host.error.v1",
    }
    assert [check_topic(topic, FIELD_DIRECTIONS[field]) for field, topic in topics.items()] == [None, None, None]


@given(st.text() | st.from_regex(r"onex\.[a-z]+\.[a-z]+\.(cmd|evt|x)\.v[0-9]", fullmatch=True))
def test_any_text_is_a_topic_or_has_a_fault(name: str) -> None:
    problem = check_topic(name)
    if problem is None:
        assert str(parse_topic(name)) == name
    else:
        assert problem.isprintable()
