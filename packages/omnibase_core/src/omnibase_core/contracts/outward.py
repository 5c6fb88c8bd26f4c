"""How the values of expressions go out in a request: by their type, as fields of that type would."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from omnibase_core.contracts import forms
from omnibase_core.mapping.static import Type
from omnibase_core.mapping.values import Kind, as_text

Convert = Callable[[object], object]


def as_value(type_: Type) -> Convert | None:
    """A decimal as text, a number as the nearest double; None where values go out as they are."""
    if type_.kind == "decimal":
        return _decimal
    if type_.kind == "number":
        return _number
    if type_.kind in ("list", "map"):
        return _of_items(type_)
    if type_.kind == "record":
        return _of_fields(type_)
    return None


def as_texts(type_: Type) -> Convert | None:
    """Numbers as they are written, since they end up in a text; a list's items too."""
    return None if type_.kind in ("string", "boolean", "integer", "null") else _text


def structure_in(type_: Type, *, repeats: bool) -> Kind | None:
    """The list or object that certainly stands where a text of a header or parameter is wanted; None for none.

    repeats: whether a list of texts is as good as one.
    """
    kind = type_.runtime_kind
    if kind == "list" and repeats:
        return structure_in(type_.element, repeats=False)
    return kind if kind in ("list", "object") else None


def _decimal(value: object) -> object:
    return forms.decimal_out(value) if isinstance(value, Decimal) else value


def _number(value: object) -> object:
    return forms.number_out(value) if isinstance(value, Decimal | int) else value


def _of_items(type_: Type) -> Convert | None:
    item = as_value(type_.element)
    if item is None:
        return None

    def convert(value: object) -> object:
        if isinstance(value, list):
            return [item(each) for each in value]
        if isinstance(value, dict):
            return {key: item(each) for key, each in value.items()}
        return value

    return convert


def _of_fields(type_: Type) -> Convert | None:
    fields = {name: found for name, each in type_.fields.items() if (found := as_value(each)) is not None}
    if not fields:
        return None

    def convert(value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: fields.get(key, _same)(each) for key, each in value.items()}

    return convert


def _same(value: object) -> object:
    return value


def _text(value: object) -> object:
    if isinstance(value, list):
        return [_text(item) for item in value]
    if isinstance(value, dict):
        return {key: _text(item) for key, item in value.items()}
    return as_text(value) if isinstance(value, _NUMBERS) else value


_NUMBERS: Final = (Decimal, float)
