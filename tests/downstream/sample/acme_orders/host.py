"""The host: the one module that names handlers and COMPUTE functions."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import ClassVar, Final

from omnibase_core.runtime import ComputeFunction
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts
from omnibase_spi.handler import ProtocolHandler

from acme_orders.compute.order_total import order_total
from acme_orders.handlers.ledger import LedgerHandler
from acme_orders.handlers.warehouse import WarehouseHandler

_HANDLERS: Final[Mapping[str, Callable[[Callable[[], datetime]], ProtocolHandler]]] = {
    "warehouse": WarehouseHandler,
    "ledger": LedgerHandler,
}


class OrdersHost(BaseRuntimeHostProcess):
    """The host of contracts/runtime.yaml."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"order_total": order_total}

    def __init__(self, parts: HostParts) -> None:
        for guard, binding in parts.handlers:
            if make := _HANDLERS.get(binding.name):
                guard.handler = make(parts.clock.now)
        super().__init__(parts)
