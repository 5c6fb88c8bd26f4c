"""The host of the orders: it registers the function of the COMPUTE node `ship_order`."""

from collections.abc import Mapping
from typing import ClassVar

from models import ModelParcel, ModelParcels, ModelShipment
from omnibase_core.runtime import ComputeFunction
from omnibase_infra.host.process import BaseRuntimeHostProcess


def ship_order(shipment: ModelShipment) -> ModelParcels:
    """Fills parcels in the order of the pieces; raises ValueError for a piece that no parcel can carry."""
    most = shipment.most_grams or 0
    parcels: list[ModelParcel] = []
    for piece in shipment.pieces:
        if piece.grams > most:
            raise ValueError(f"{piece.sku} is too heavy for a parcel")
        for _ in range(piece.quantity):
            last = parcels[-1] if parcels else None
            if last is None or last.grams + piece.grams > most:
                parcels.append(ModelParcel(skus=[piece.sku], grams=piece.grams))
            else:
                parcels[-1] = ModelParcel(skus=[*last.skus, piece.sku], grams=last.grams + piece.grams)
    return ModelParcels(parcels=parcels)


class OrdersHost(BaseRuntimeHostProcess):
    """The host of runtime.yaml."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"ship_order": ship_order}
