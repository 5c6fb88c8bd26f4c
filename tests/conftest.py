"""The guards that stand around every test, and the servers that any test may ask for.

`tests/architecture/test_guards.py` trips each of the guards.
"""

import signal
import threading
from collections.abc import Iterator

import pytest

from tests.guards import HANDLERS, Breaches, no_blocking_calls, no_task_of, threads_left
from tests.services import consul, kafka, vault

__all__ = ["any_free_port", "breaches", "consul", "guarded", "kafka", "vault"]

# A run that was started in the background ignores SIGINT, and so would every process that a test starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True, scope="session")
def any_free_port() -> Iterator[None]:
    """Hosts that tests start as processes serve their probes where there is room, and not at 8080 all of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONEX_HTTP", "127.0.0.1:0")
        yield


@pytest.fixture(scope="session")
def breaches() -> Iterator[Breaches]:
    """Blocking calls and tasks of handlers, watched for the whole session; both act on running loops only."""
    seen = Breaches()
    with no_blocking_calls(seen), no_task_of(HANDLERS, seen):
        yield seen


@pytest.fixture(autouse=True)
def guarded(breaches: Breaches) -> Iterator[None]:
    """Fails a test in which a guard was breached, however the product answered, or which leaves a thread."""
    before = frozenset(threading.enumerate())
    yield
    seen = [*breaches.take(), *threads_left(before)]
    if seen:
        pytest.fail("\n".join(seen), pytrace=False)
