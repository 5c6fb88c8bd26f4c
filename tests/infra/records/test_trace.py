"""The tree of causes holds everything that was seen once, whatever the records say of each other."""

from collections.abc import Sequence
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_infra.records.dead_letter import dead_letter_of
from omnibase_infra.records.sightings import Sighting
from omnibase_infra.records.trace import Step, Trace, missing_causes, trace_of
from omnibase_spi.topic_log import Partition, Record

from tests.fakes.runtimes import NOW, request
from tests.infra.records.letters import DEAD, INPUT, give_up, give_up_garbage, log_with


def seen(envelope: ModelOnexEnvelope, at_ms: int, offset: int = 0) -> Sighting:
    topic = "onex.acme.orders.evt.v1" if envelope.is_response else INPUT
    return Sighting(Record(Partition(topic, 0), offset, at_ms, None, b"", ()), envelope)


def caused(number: int, cause: ModelOnexEnvelope | int) -> ModelOnexEnvelope:
    cause_id = UUID(int=cause + 1) if isinstance(cause, int) else cause.envelope_id
    return request(number).model_copy(update={"causation_id": cause_id})


def answer(to: ModelOnexEnvelope) -> ModelOnexEnvelope:
    return to.reply({}, timestamp=NOW)


def drawn(steps: Sequence[Step]) -> list[object]:
    """The tree as nested lists of the envelopes' numbers, responses as `r`."""
    return [[_name(step), *drawn(step.steps)] for step in steps]


def _name(step: Step) -> str:
    envelope = step.first.envelope
    assert envelope is not None
    return "r" if envelope.is_response else str(envelope.envelope_id.int - 1)


def test_what_a_response_led_to_stands_below_it() -> None:
    first = request(0)
    reply = answer(first)
    second = caused(1, reply)
    tree = trace_of([seen(answer(second), 4), seen(second, 3), seen(reply, 2), seen(first, 1)])
    assert drawn(tree.steps) == [["0", ["r", ["1", ["r"]]]]]


def test_siblings_are_in_the_order_of_time() -> None:
    first = request(0)
    tree = trace_of([seen(caused(2, first), 9), seen(first, 1), seen(caused(1, first), 5)])
    assert drawn(tree.steps) == [["0", ["1"], ["2"]]]


def test_a_message_that_was_seen_again_is_one_step() -> None:
    first = request(0)
    (step,) = trace_of([seen(first, 1), seen(answer(first), 2), seen(first, 3), seen(answer(first), 4)]).steps
    assert [each.record.timestamp_ms for each in step.again] == [3]
    assert [each.record.timestamp_ms for each in step.steps[0].again] == [4]


def test_a_step_whose_cause_was_not_found_says_so() -> None:
    (step,) = trace_of([seen(caused(1, 77), 1)]).steps
    assert step.cause == "missing"
    assert missing_causes([seen(caused(1, 77), 1), seen(request(2), 2)]) == {UUID(int=78)}


def test_causes_that_lead_back_to_themselves_are_shown_once() -> None:
    tree = trace_of([seen(caused(0, 1), 1), seen(caused(1, 0), 2), seen(caused(2, 2), 3)])
    assert drawn(tree.steps) == [["0", ["1"]], ["2"]]
    assert [step.cause for step in tree.steps] == ["circular", "circular"]


def test_a_dead_letter_stands_with_its_request_or_alone() -> None:
    log = log_with()
    letters = [
        Sighting(record, letter.envelope, letter)
        for record in (give_up(log, 0), give_up(log, 1), give_up_garbage(log, 2))
        for letter in (dead_letter_of(record, limit=9_999),)
    ]
    tree = trace_of([seen(request(0), 1), *letters])
    assert [each.record.offset for each in tree.steps[0].letters] == [0]
    assert [each.record.offset for each in tree.strays] == [1, 2]
    assert {each.record.partition for each in tree.strays} == {Partition(DEAD, 0)}


def test_a_chain_may_be_longer_than_the_stack() -> None:
    tree = trace_of([seen(caused(n, n - 1) if n else request(0), n) for n in range(3_000)])
    assert len(list(tree.every())) == 3_000


@given(st.lists(st.tuples(st.integers(0, 6), st.none() | st.integers(0, 8), st.integers(0, 3)), max_size=20))
def test_nothing_is_lost_and_nothing_is_shown_twice(drawn: list[tuple[int, int | None, int]]) -> None:
    sightings = [
        seen(request(number) if cause is None else caused(number, cause), at, index)
        for index, (number, cause, at) in enumerate(drawn)
    ]
    tree: Trace = trace_of(sightings)
    shown = [each.record.offset for step in tree.every() for each in (step.first, *step.again)]
    assert sorted(shown) == list(range(len(drawn)))
