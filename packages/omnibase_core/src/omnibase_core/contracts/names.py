"""The closed forms of text in contracts: names, versions, handler types and operations, with their refusals."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from omnibase_core import suggest
from omnibase_core.contracts.findings import Refusal
from omnibase_core.contracts.operations import (
    CONTRACT_HANDLER_TYPES,
    handler_type_of,
    operation_table,
    operation_type,
    operations_of,
)
from omnibase_core.enums import EnumHandlerType
from omnibase_core.errors import shown

REFUSED: Final = "refused"
"""The type of the pydantic errors that carry a Refusal in their context."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")


def refused(refusal: Refusal) -> PydanticCustomError:
    """A pydantic error that says exactly what a refusal says."""
    return PydanticCustomError(REFUSED, "{message}", dict(refusal._asdict()))


def _name(text: str) -> str:
    if _NAME.fullmatch(text):
        return text
    near = re.sub(r"[^a-z0-9_-]+", "_", text.lower()).lstrip("0123456789_-")[:63]
    raise refused(
        Refusal(
            f"'{shown(text)}' is not a valid name",
            "A name is 1 to 63 of a-z, 0-9, _ and -, and starts with a letter",
            f"Rename it, to '{near}' for example" if near else "Rename it",
        )
    )


def _version(text: str) -> str:
    if _VERSION.fullmatch(text):
        return text
    raise refused(
        Refusal(f"'{shown(text)}' is not a version", "A version is text such as 1.0.0", "Correct the version")
    )


def _handler_type(value: object) -> EnumHandlerType:
    known = handler_type_of(value)
    if known is None:
        raise refused(unknown_handler_type(value))
    return known


def unknown_handler_type(value: object) -> Refusal:
    """The refusal of a handler type that there is not."""
    if not isinstance(value, str):
        return Refusal("A handler type is text", _valid_types(""), "Name a handler type")
    return Refusal(
        f"Unknown handler type '{shown(value)}'", _valid_types(value), "Remove or replace the invalid handler type"
    )


def _valid_types(value: str) -> str:
    return suggest.hint(value, CONTRACT_HANDLER_TYPES, "Valid handler types are")


def _operation(name: str, info: ValidationInfo) -> str:
    handler_type: EnumHandlerType | None = info.data.get("type")
    if name not in operation_table():
        known = operations_of(handler_type or operation_type(name) or EnumHandlerType.LOCAL)
        names = known if handler_type or operation_type(name) else tuple(operation_table())
        raise refused(
            Refusal(
                f"Unknown operation '{shown(name)}'",
                suggest.hint(name, names, "Operations are"),
                "Remove or replace the operation",
            )
        )
    if handler_type is not None and operation_type(name) is not handler_type:
        raise refused(
            Refusal(
                f"Operation '{name}' is none of handler type '{handler_type}'",
                suggest.hint(name, operations_of(handler_type), f"Operations of '{handler_type}' are"),
                f"Move it to an entry of type '{name.partition('.')[0]}', or replace it",
            )
        )
    return name


Name = Annotated[str, AfterValidator(_name)]
"""The name of a host or a handler, a node's slug."""

Version = Annotated[str, AfterValidator(_version)]
"""The version of a host or a node: the author's own, not compared."""

HandlerType = Annotated[EnumHandlerType, PlainValidator(_handler_type, json_schema_input_type=EnumHandlerType)]
"""A handler type, refused with the list of valid ones."""

OperationName = Annotated[str, AfterValidator(_operation)]
"""An operation of the table, of the type that the entry names."""
