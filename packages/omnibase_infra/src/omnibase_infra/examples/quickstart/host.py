"""An app-specific host: it registers the function of the COMPUTE node, and nothing else."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from omnibase_core.runtime import ComputeFunction

from omnibase_infra.examples.quickstart.models import ModelOrder, ModelTotal
from omnibase_infra.host.process import BaseRuntimeHostProcess


def calculate_total(order: ModelOrder) -> ModelTotal:
    """The contract's models in and out: models.py has them, written by `onex-host models`."""
    net = sum((item.price * item.quantity for item in order.items), Decimal(0))
    return ModelTotal(
        pieces=sum(item.quantity for item in order.items),
        total=(net * order.rate).quantize(Decimal("0.01")),
    )


class QuickstartHost(BaseRuntimeHostProcess):
    """The host of runtime.yaml."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"calculate_total": calculate_total}
