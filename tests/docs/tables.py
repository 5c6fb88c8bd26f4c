"""Tables of the docs, and what a pydantic model's fields look like in one."""

import json
import re
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, Union
from uuid import UUID

from annotated_types import Ge, Gt, Le, Lt
from omnibase_core.enums import EnumErrorCode, EnumHandlerType
from omnibase_core.secret import ModelSecretRef, Secret
from pydantic import BaseModel
from pydantic.fields import FieldInfo

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"

_SIMPLE: Final[Mapping[object, str]] = {
    str: "text",
    bool: "true or false",
    UUID: "UUID",
    datetime: "timestamp",
    EnumHandlerType: "handler type",
    EnumErrorCode: "error code",
    ModelSecretRef: "secret_ref",
    Secret: "",
}


class Row(NamedTuple):
    """A field as the reference shows it: its name, what it takes, and its default."""

    field: str
    takes: str
    default: str


def section(page: str, heading: str) -> str:
    """The text below a heading, up to the next heading of any level."""
    lines = (DOCS / page).read_text(encoding="utf-8").splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("#") and line.lstrip("# ") == heading)
    end = next((i for i, line in enumerate(lines) if i > start and line.startswith("#")), len(lines))
    return "\n".join(lines[start + 1 : end])


def table(text: str) -> Sequence[Sequence[str]]:
    """The cells of the first table in a text, its header left out, without back-ticks."""
    rows: list[list[str]] = []
    for line in text.splitlines():
        if line.startswith("|"):
            rows.append([_bare(cell) for cell in line.strip("|").replace("\\|", "¦").split("|")])
        elif rows:
            break
    return rows[2:]


def _bare(cell: str) -> str:
    return cell.strip().replace("¦", "|").replace("`", "")


def rows(model: type[BaseModel], leave_out: frozenset[str] = frozenset()) -> Sequence[Row]:
    """The fields of a model, in its order."""
    return [
        Row(name, takes(info), default(info)) for name, info in model.model_fields.items() if name not in leave_out
    ]


def default(info: FieldInfo) -> str:
    """The default as YAML and JSON write it; `required` where there is none."""
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True, validated_data={})
    if isinstance(value, BaseModel):
        return "its own defaults"
    return value if isinstance(value, str) and value else json.dumps(value)


def takes(info: FieldInfo) -> str:
    """What a field takes, in words."""
    return _words(info.annotation, list(info.metadata))


def _words(annotation: Any, metadata: Sequence[object] = ()) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        inner = [more for one in arguments[1:] for more in (one.metadata if isinstance(one, FieldInfo) else [one])]
        return _words(arguments[0], [*metadata, *inner])
    if origin in (Union, types.UnionType):
        said = [_words(argument, metadata) for argument in arguments if argument is not type(None)]
        return " or ".join(dict.fromkeys(word for word in said if word))
    if origin is Literal:
        return ", ".join(str(_text(value)) for value in arguments)
    if origin in (list, tuple):
        return f"list of {_words(arguments[0])}"
    if origin in (dict, Mapping):
        return f"map of {_words(arguments[1])}"
    if annotation in (int, float):
        return _number("integer" if annotation is int else "number", metadata)
    return _of_class(annotation)


def _of_class(annotation: Any) -> str:
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return re.sub(r"(?<=.)([A-Z])", r" \1", annotation.__name__.removeprefix("Model")).lower()
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(str(member.value) for member in annotation)
    return "any"


def _text(value: object) -> object:
    return value.value if isinstance(value, Enum) else value


def _number(word: str, metadata: Sequence[object]) -> str:
    least = next((bound.ge for bound in metadata if isinstance(bound, Ge)), None)
    above = next((bound.gt for bound in metadata if isinstance(bound, Gt)), None)
    most = next((bound.le for bound in metadata if isinstance(bound, Le)), None)
    below = next((bound.lt for bound in metadata if isinstance(bound, Lt)), None)
    if word == "integer":
        least = int(str(above)) + 1 if above is not None else least
        most = int(str(below)) - 1 if below is not None else most
    elif above is not None:
        return f"{word} above {above}"
    return word if least is None else f"{word}, {least} to {most}"
