"""What a model refuses, said for people: the field, what it takes and what to do, never the value of a secret."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from omnibase_core import suggest
from omnibase_core.contracts.findings import Origin, Refusal, dotted
from omnibase_core.contracts.rules import REFUSED
from omnibase_core.contracts.scalars import UnrepresentableNumberError, resolve
from omnibase_core.contracts.source import Path, YamlValue
from omnibase_core.errors import shown
from omnibase_core.patterns import deferred

_Context = Mapping[str, object]

WANTED = {
    "string_type": "text",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}
_BOUNDS: dict[str, Callable[[_Context], str]] = {
    "greater_than": lambda c: f"greater than {c['gt']}",
    "greater_than_equal": lambda c: f"at least {c['ge']}",
    "less_than": lambda c: f"less than {c['lt']}",
    "less_than_equal": lambda c: f"at most {c['le']}",
    "string_too_short": lambda c: f"text of at least {c['min_length']} characters",
    "too_short": lambda c: f"a list of at least {c['min_length']}",
    "string_too_long": lambda c: f"text of at most {c['max_length']} characters",
}
_NUMBERS = frozenset({"int_type", "float_type"})
_GROUPED = deferred(r"[-+]?[0-9]+(?:_[0-9]+)+")
_QUOTED = deferred(r"'([^']*)'")


class Fault(NamedTuple):
    """One thing that the model refused: pydantic's name for it, where, with its context."""

    kind: str
    path: Path
    message: str
    context: _Context


def refusal_of(fault: Fault, origin: Origin, given: YamlValue) -> Refusal:
    """The refusal of a fault at a place, where the value `given` stands."""
    context = fault.context
    name = dotted(origin.path)
    if fault.kind == REFUSED:
        hint, action = context.get("hint"), context.get("action")
        return Refusal(str(context["message"]), hint and str(hint), action and str(action))  # type: ignore[arg-type]  # hint and action are text or None
    if fault.kind in ("literal_error", "enum") and isinstance(given, str):
        return _closed_set(fault, given, secret_free=not origin.file.variables.get(origin.path))
    if fault.kind in ("literal_error", "enum"):
        known = " or ".join(_known(fault))
        return Refusal(f"{name} must be {known}, not {_kind_of(given)}", None, "Replace it by one of these")
    if fault.kind in _BOUNDS:
        return Refusal(f"{name} must be {_BOUNDS[fault.kind](context)}", None, "Correct the value")
    if fault.kind == "secret_ref":
        return Refusal(f"Malformed secret_ref in {name}", fault.message.capitalize(), "Correct the reference")
    wanted = WANTED.get(fault.kind)
    if wanted is None:
        # pydantic's own words may quote the value
        return Refusal(f"{name} is not valid", None, "Correct the value")
    if fault.kind in _NUMBERS and isinstance(given, str):
        return _no_number(name, wanted, given)
    quote = wanted == "text" and isinstance(given, int | float)
    hint_text = 'A number, true and false are texts only in quotes: "1.0"' if quote else None
    action_text = "Quote the value" if quote else f"Write {wanted}"
    return Refusal(f"{name} must be {wanted}, not {_kind_of(given)}", hint_text, action_text)


def _no_number(name: str, wanted: str, given: str) -> Refusal:
    """A text where a number is wanted. One that YAML's reader has refused gets the same words, so counts once."""
    try:
        resolve(given)
    except UnrepresentableNumberError as error:
        return Refusal(str(error), "Numbers are those of JSON", "Quote it if a text is meant")
    if _GROUPED.fullmatch(given):
        plain = given.replace("_", "")
        return Refusal(f"{name} must be {wanted}, not text", "A number has no underscores", f"Write {plain}")
    return Refusal(f"{name} must be {wanted}, not text", None, f"Write {wanted}")


def _closed_set(fault: Fault, given: str, *, secret_free: bool) -> Refusal:
    known = _known(fault)
    name = next((part for part in reversed(fault.path) if isinstance(part, str)), "value")
    said = f"Unknown {name} '{shown(given)}'" if secret_free else f"Unknown {name}"
    return Refusal(said, suggest.hint(given, known, "Valid are"), "Replace it by one of these")


def _known(fault: Fault) -> list[str]:
    return _QUOTED.findall(str(fault.context.get("expected", "")))


def _kind_of(value: YamlValue) -> str:
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "a mapping",
    }
    return names.get(type(value), "null")
