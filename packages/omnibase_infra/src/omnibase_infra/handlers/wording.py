"""What a payload's model refuses, in the words of JSON rather than Python's; never the value."""

from typing import Final

from pydantic_core import ErrorDetails

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
