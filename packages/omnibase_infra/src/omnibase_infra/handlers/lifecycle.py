"""The life of a handler, which all handlers share: CREATED -> INITIALIZED -> HEALTHY <-> EXECUTING -> SHUTDOWN."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from types import TracebackType

from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject
from omnibase_core.errors import ProtocolConfigurationError


class EnumLifecycle(StrEnum):
    """Where a handler is in its life. SHUTDOWN is final."""

    CREATED = "created"
    INITIALIZED = "initialized"  # ready, and nothing has been executed yet
    HEALTHY = "healthy"  # has executed, and nothing is under way
    EXECUTING = "executing"  # one operation or several are under way
    SHUTDOWN = "shutdown"


class Lifecycle:
    """State and counts of one handler. Every wrong order of calls raises ProtocolConfigurationError.

    Attributes: `in_flight` (operations under way), `executed` (finished, however), `failed` (those that raised).
    """

    def __init__(self, handler_type: EnumHandlerType) -> None:
        self.in_flight = 0
        self.executed = 0
        self.failed = 0
        self._handler_type = handler_type
        self._initializing = False
        self._initialized = False
        self._shut_down = False
        self._execution = _Execution(self)

    @property
    def state(self) -> EnumLifecycle:
        """The state now."""
        if self._shut_down:
            return EnumLifecycle.SHUTDOWN
        if not self._initialized:
            return EnumLifecycle.CREATED
        if self.in_flight:
            return EnumLifecycle.EXECUTING
        return EnumLifecycle.HEALTHY if self.executed else EnumLifecycle.INITIALIZED

    @contextmanager
    def initializing(self) -> Iterator[None]:
        """Stands around the body of `initialize`: INITIALIZED when it succeeds, still CREATED when it raises.

        Raises where `initialize` is called twice, after `shutdown`, or overtaken by `shutdown`.
        """
        if self._shut_down:
            raise self._misuse("was shut down, which is final: build a new one")
        if self._initialized or self._initializing:
            raise self._misuse("is initialised already: initialize is called once")
        self._initializing = True
        try:
            yield
        finally:
            self._initializing = False
        if self._shut_down:
            raise self._misuse("was shut down while it initialised")
        self._initialized = True

    def executing(self) -> "_Execution":
        """`with life.executing(): …` stands around one operation and counts it; raises unless running."""
        if self._shut_down or not self._initialized:
            self.require_running()
        return self._execution

    def require_running(self) -> None:
        """Raises unless `initialize` has succeeded and `shutdown` was not called."""
        if self._shut_down:
            raise self._misuse("was shut down: it executes nothing any more")
        if not self._initialized:
            raise self._misuse("is not initialised: call initialize before execute")

    def stop(self) -> bool:
        """Ends the life. True the first time only: the caller then gives back what it holds."""
        first = not self._shut_down
        self._shut_down = True
        return first

    def figures(self) -> JsonObject:
        """State and counts, for health_check."""
        return {
            "state": self.state.value,
            "executing": self.in_flight,
            "executed": self.executed,
            "failed": self.failed,
        }

    def _misuse(self, what: str) -> ProtocolConfigurationError:
        return ProtocolConfigurationError(
            f"The {self._handler_type} handler {what}", handler_type=self._handler_type
        )


class _Execution:
    """Counts operations; it has no state of its own, so that all of a handler's share one."""

    def __init__(self, life: Lifecycle) -> None:
        self._life = life

    def __enter__(self) -> None:
        self._life.in_flight += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._life.in_flight -= 1
        self._life.executed += 1
        self._life.failed += kind is not None
