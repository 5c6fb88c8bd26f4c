"""One host a process (I8), and what is set for the whole process while there is one."""

from collections.abc import Callable
from typing import ClassVar

from omnibase_core.errors import ProtocolConfigurationError

from omnibase_infra.host import collector


class Tenancy:
    """A host's hold on its process. A successor has it before the host that it replaces gives it back."""

    _current: ClassVar["Tenancy | None"] = None

    def __init__(self, host_name: str) -> None:
        self.host_name = host_name
        self.put_back: Callable[[], None] = lambda: None
        self._before: Tenancy | None = None

    @property
    def is_first(self) -> bool:
        """Whether what is set for the process is still to be set: it takes over from nobody."""
        return self._before is None

    def claim(self, replaces: "Tenancy | None") -> None:
        """Raises ProtocolConfigurationError where another host has the process than the one to be replaced."""
        current = Tenancy._current
        if current is not None and current is not replaces:
            raise ProtocolConfigurationError(
                f"This process already runs the host '{current.host_name}'; run one host in a process"
            )
        Tenancy._current, self._before = self, replaces

    def settle(self) -> None:
        """The host is up: there is no way back to the one before."""
        self.put_back = collector.relax() if self._before is None else self._before.put_back
        self._before = None

    def release(self) -> None:
        """Gives the process back, to the one before where this host did not come up; once passed on, nothing."""
        if Tenancy._current is self:
            Tenancy._current = self._before
            self.put_back()
