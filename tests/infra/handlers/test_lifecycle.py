"""The life that all handlers share."""

import asyncio

import pytest
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import HandlerConnectionError, ProtocolConfigurationError
from omnibase_infra.handlers.lifecycle import EnumLifecycle, Lifecycle


def initialized() -> Lifecycle:
    """A life that has begun."""
    life = Lifecycle(EnumHandlerType.HTTP)
    with life.initializing():
        pass
    return life


def test_it_goes_from_created_over_initialized_and_executing_to_healthy_and_shutdown() -> None:
    life = Lifecycle(EnumHandlerType.HTTP)
    states = [life.state]
    with life.initializing():
        states.append(life.state)
    states.append(life.state)
    with life.executing():
        states.append(life.state)
    states.append(life.state)
    life.stop()
    states.append(life.state)
    assert states == [
        EnumLifecycle.CREATED,
        EnumLifecycle.CREATED,
        EnumLifecycle.INITIALIZED,
        EnumLifecycle.EXECUTING,
        EnumLifecycle.HEALTHY,
        EnumLifecycle.SHUTDOWN,
    ]


def test_executions_overlap_and_are_counted() -> None:
    life = initialized()
    with life.executing():
        with life.executing():
            assert life.figures() == {"state": "executing", "executing": 2, "executed": 0, "failed": 0}
        with pytest.raises(HandlerConnectionError), life.executing():
            raise HandlerConnectionError("broken")
        assert life.figures() == {"state": "executing", "executing": 1, "executed": 2, "failed": 1}
    assert life.figures() == {"state": "healthy", "executing": 0, "executed": 3, "failed": 1}


def test_a_cancelled_execution_counts_as_failed() -> None:
    life = initialized()
    with pytest.raises(asyncio.CancelledError), life.executing():
        raise asyncio.CancelledError
    assert (life.executed, life.failed, life.in_flight) == (1, 1, 0)


def test_executing_before_initialize_or_after_shutdown_is_a_misuse() -> None:
    life = Lifecycle(EnumHandlerType.DB)
    with pytest.raises(ProtocolConfigurationError, match="The db handler is not initialised: call initialize"):
        life.executing()
    life.stop()
    with pytest.raises(ProtocolConfigurationError, match="was shut down") as caught:
        life.executing()
    assert caught.value.handler_type is EnumHandlerType.DB


def test_initialize_is_called_once() -> None:
    life = initialized()
    with pytest.raises(ProtocolConfigurationError, match="initialised already"), life.initializing():
        pass
    assert life.state is EnumLifecycle.INITIALIZED


def test_initialize_is_not_called_while_it_is_under_way() -> None:
    life = Lifecycle(EnumHandlerType.HTTP)
    again = life.initializing()
    with life.initializing(), pytest.raises(ProtocolConfigurationError, match="initialised already"):
        again.__enter__()
    assert life.state is EnumLifecycle.INITIALIZED


def test_a_failed_initialize_leaves_it_created() -> None:
    life = Lifecycle(EnumHandlerType.HTTP)
    with pytest.raises(HandlerConnectionError), life.initializing():
        raise HandlerConnectionError("no server")
    assert life.figures()["state"] == "created"
    with life.initializing():
        pass
    assert life.figures()["state"] == "initialized"


def test_a_shutdown_while_it_initialises_wins() -> None:
    life = Lifecycle(EnumHandlerType.HTTP)
    with pytest.raises(ProtocolConfigurationError, match="shut down while it initialised"), life.initializing():
        life.stop()
    assert life.state is EnumLifecycle.SHUTDOWN


def test_there_is_one_shutdown_and_nothing_after_it() -> None:
    life = initialized()
    assert [life.stop(), life.stop(), life.stop()] == [True, False, False]
    with pytest.raises(ProtocolConfigurationError, match="final: build a new one"), life.initializing():
        pass
