"""The app-specific hosts that `onex-host run` runs here."""

import time
from collections.abc import Mapping
from typing import ClassVar, Final

from omnibase_core.runtime import ComputeFunction
from omnibase_infra.host.process import BaseRuntimeHostProcess

BUSY_S: Final = 0.005
NODES: Final = ("noop", *(f"noop_{number}" for number in range(1, 10)))


def _same(values: dict[str, object]) -> dict[str, object]:
    return values


def _busy(values: dict[str, object]) -> dict[str, object]:
    until = time.thread_time() + BUSY_S
    while time.thread_time() < until:
        pass
    return values


class OneHost(BaseRuntimeHostProcess):
    """A node that returns its input."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"noop": _same}


class BusyHost(BaseRuntimeHostProcess):
    """A node that computes for 5 ms."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"noop": _busy}


class TenHost(BaseRuntimeHostProcess):
    """Ten nodes, the first of which is `noop`."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = dict.fromkeys(NODES, _same)
