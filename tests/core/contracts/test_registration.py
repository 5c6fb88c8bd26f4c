"""The `registration` of a runtime contract."""

import pytest
from omnibase_core.contracts.registration import ModelRegistration

from tests.core.contracts.contracts_on_hand import load, messages, runtime_text

CONSUL = "[{type: http}, {type: consul, name: agent, config: {address: http://c}}]"


def registered(registration: str, handlers: str = CONSUL) -> str:
    """A runtime contract with a registration."""
    return runtime_text(handlers=handlers).rstrip("\n") + f"\n  registration: {registration}\n"


def test_a_registration_has_its_defaults() -> None:
    contract = load(registered("{handler: agent}")).require()
    assert contract.registration == ModelRegistration(handler="agent")
    assert load(runtime_text()).require().registration is None


@pytest.mark.parametrize(
    ("registration", "said"),
    [
        ("{handler: agnet}", "No consul handler is named 'agnet'"),
        ("{}", "No consul handler is named 'consul'"),
        ("{handler: http}", "No consul handler is named 'http'"),
        ("{handler: agent, name: a/b}", "runtime.registration.name"),
        ("{handler: agent, ttl_ms: 1}", "runtime.registration.ttl_ms"),
        ("{handler: agent, tag: a}", "Unknown field 'tag' in runtime.registration"),
    ],
)
def test_what_a_registration_cannot_say(registration: str, said: str) -> None:
    found = messages(load(registered(registration)))
    assert len(found) == 1
    assert said in found[0]


def test_a_misspelt_handler_is_told_with_the_one_that_was_meant() -> None:
    (problem,) = load(registered("{handler: agnet}")).problems
    assert problem.hint is not None
    assert "Did you mean 'agent'?" in problem.hint
