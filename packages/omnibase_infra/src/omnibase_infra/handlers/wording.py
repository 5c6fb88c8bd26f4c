"""What a payload's model refuses, in the words of JSON rather than Python's; never the value."""

from typing import Final, TypeVar

from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import InvalidParameterError, shown
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_Model = TypeVar("_Model", bound=BaseModel)

_WANTED: Final = {
    "string_type": "text is needed",
    "int_type": "an integer is needed",
    "int_from_float": "an integer is needed",
    "bool_type": "true or false is needed",
    "dict_type": "an object is needed",
    "model_type": "an object is needed",
    "model_attributes_type": "an object is needed",
    "list_type": "a list is needed",
    "tuple_type": "a list is needed",
    "string_too_short": "it is empty",
    "too_short": "it is empty",
    "extra_forbidden": "there is no such field",
    "missing": "it is required, but missing",
}


def said(problem: ErrorDetails) -> str:
    """The clause behind a field's name."""
    return _WANTED.get(problem["type"]) or problem["msg"].replace("Input should be", "it must be")


def checked_payload(model: type[_Model], envelope: ModelOnexEnvelope) -> _Model:
    """The payload as the operation's model. Raises InvalidParameterError that names fields, never values."""
    try:
        valid: _Model = model.__pydantic_validator__.validate_python(envelope.payload or {})
        return valid
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = [f"{_path(problem['loc'])}: {said(problem)}" for problem in problems[:5]]
    raise InvalidParameterError(
        "; ".join(first), details={"fields": [_path(problem["loc"]) for problem in problems[:20]]}
    )


def _path(loc: tuple[int | str, ...]) -> str:
    return "payload" + "".join(f"[{part}]" if isinstance(part, int) else f".{shown(part)}" for part in loc)
