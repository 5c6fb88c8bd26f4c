"""COMPUTE functions with models of their own: `def calculate(order: ModelOrder) -> ModelTotal`.

The models are dataclasses, as `onex-host models` writes them. Once, at start, the signature is held to the
contract; from then on values become instances, and instances values, without a second check.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints

from omnibase_core.contracts.fieldtypes import FieldType, ListOf, MapOf, RecordType, Slot
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.python_models import annotation, python_name, python_type
from omnibase_core.errors import ProtocolConfigurationError

Convert = Callable[[Any], Any]
Untyped = Callable[[dict[str, object]], Mapping[str, object]]

_SCALARS: Final[dict[str, tuple[object, ...]]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "Decimal": (Decimal,),
    "dict[str, object]": (dict[str, object], dict[str, Any]),
    "object": (object, Any),
}


def untyped(contract: ModelNodeContract, function: Callable[..., Any]) -> Untyped:
    """The function on plain values: as it is, or around one whose signature names dataclasses.

    Raises ProtocolConfigurationError where such a signature is not the contract's, saying what was expected.
    """
    given, made = _signature(contract, function)
    if not (is_dataclass(given) or is_dataclass(made)):
        return function
    take = _Taken(contract).record(contract.input.record, given)
    give = _Given(contract).record(contract.output.record, made)

    def calculate(values: dict[str, object]) -> Mapping[str, object]:
        result: Mapping[str, object] = give(function(take(values)))
        return result

    return calculate


def _signature(contract: ModelNodeContract, function: Callable[..., Any]) -> tuple[object, object]:
    """The annotations of the one parameter and of the result; None where there are none."""
    try:
        hints = get_type_hints(function)
        parameters = [*inspect.signature(function).parameters]
    except NameError as error:
        raise _refused(contract, f"its annotation '{error.name}' is not importable") from None
    except (TypeError, ValueError):
        return None, None
    return hints.get(parameters[0]) if parameters else None, hints.get("return")


class _Reader:
    """Holds classes to declared models; how values are converted is said by the two that follow."""

    def __init__(self, contract: ModelNodeContract) -> None:
        self._contract = contract
        self._read: dict[str, tuple[object, Convert]] = {}

    def record(self, record: RecordType, found: object) -> Convert:
        if not isinstance(found, type) or not is_dataclass(found) or found.__name__ != python_name(record.name):
            raise _refused(self._contract, f"it names {_named(found)} where the contract has {record.name}")
        known = self._read.get(record.name)
        if known is not None and known[0] is found:
            return known[1]
        wanted = {python_name(slot.name): slot for slot in record.slots.values()}
        have = {field.name for field in fields(found)}
        for name in sorted(wanted.keys() ^ have):
            what = "lacks" if name in wanted else "has, and the contract has not,"
            raise _refused(self._contract, f"{record.name} {what} the field '{name}'")
        hints = get_type_hints(found)
        convert = self.build(found, {n: (slot, self._slot(record, slot, hints[n])) for n, slot in wanted.items()})
        self._read[record.name] = found, convert
        return convert

    def build(self, found: type, slots: Mapping[str, tuple[Slot, Convert | None]]) -> Convert:
        raise NotImplementedError

    def _slot(self, record: RecordType, slot: Slot, hint: object) -> Convert | None:
        if not slot.required and python_type(slot.type) != "object":
            if get_origin(hint) not in (Union, UnionType) or type(None) not in get_args(hint):
                raise self._misfit(record, slot, hint)
            inner = [part for part in get_args(hint) if part is not type(None)]
            hint = inner[0] if len(inner) == 1 else None
        try:
            return self._convert(slot.type, hint)
        except _MisfitError:
            raise self._misfit(record, slot, hint) from None

    def _convert(self, declared: FieldType, hint: object) -> Convert | None:
        """How a value of this type is converted; None where it stays as it is."""
        if isinstance(declared, RecordType):
            return self.record(declared, hint)
        arguments = get_args(hint)
        if isinstance(declared, ListOf) and get_origin(hint) is list:
            item = self._convert(declared.item, arguments[0])
            return None if item is None else lambda values: [item(value) for value in values]
        if isinstance(declared, MapOf) and get_origin(hint) is dict and arguments[0] is str:
            each = self._convert(declared.item, arguments[1])
            return None if each is None else lambda values: {key: each(value) for key, value in values.items()}
        if hint not in _SCALARS.get(python_type(declared), ()):
            raise _MisfitError
        return None

    def _misfit(self, record: RecordType, slot: Slot, hint: object) -> ProtocolConfigurationError:
        place = f"{record.name}.{python_name(slot.name)}"
        return _refused(self._contract, f"{place} is not annotated as {annotation(slot)}")


class _Taken(_Reader):
    """Values -> instances; what is absent is None."""

    def build(self, found: type, slots: Mapping[str, tuple[Slot, Convert | None]]) -> Convert:
        parts = [(name, slot.name, convert) for name, (slot, convert) in slots.items()]

        def instance(values: dict[str, Any]) -> object:
            made = {
                name: value if convert is None or value is None else convert(value)
                for name, key, convert in parts
                for value in (values.get(key),)
            }
            return found(**made)

        return instance


class _Given(_Reader):
    """Instances -> values; None of a field that is not required is left out."""

    def build(self, found: type, slots: Mapping[str, tuple[Slot, Convert | None]]) -> Convert:
        parts = [(name, slot.name, slot.required, convert) for name, (slot, convert) in slots.items()]

        def values(instance: object) -> dict[str, object]:
            if type(instance) is not found:
                raise TypeError(f"{found.__name__} is wanted, not {type(instance).__name__}")
            made: dict[str, object] = {}
            for name, key, required, convert in parts:
                value = getattr(instance, name)
                if value is not None or required:
                    made[key] = value if convert is None or value is None else convert(value)
            return made

        return values


class _MisfitError(Exception):
    """An annotation that is not the declared type's."""


def _named(found: object) -> str:
    return found.__name__ if isinstance(found, type) else "no class"


def _refused(contract: ModelNodeContract, why: str) -> ProtocolConfigurationError:
    wanted = f"def {contract.name.replace('-', '_')}(input: {contract.input.name}) -> {contract.output.name}"
    return ProtocolConfigurationError(
        f"The function of COMPUTE node '{contract.name}' does not fit its contract: {why}; expected {wanted}, "
        "with the models that 'onex-host models' writes"
    )
