"""The models of node ship_order; written by: onex-host models."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelPiece:
    """What is packed, and how many of it."""

    sku: str
    grams: int
    quantity: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelParcel:
    """One parcel: what is in it, piece by piece."""

    skus: list[str]
    grams: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelShipment:
    """What is to be sent."""

    pieces: list[ModelPiece]
    most_grams: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelParcels:
    """The parcels, the first one packed first."""

    parcels: list[ModelParcel]
