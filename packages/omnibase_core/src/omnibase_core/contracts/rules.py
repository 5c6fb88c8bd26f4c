"""What a contract's texts and entries must be beyond their type, and the refusals that say so.

Functions, so that the models and the outline of a contract are held to the same ones; no model is loaded for them.
"""

import re
from collections.abc import Sequence
from typing import Final

from pydantic_core import PydanticCustomError
from pydantic_core.core_schema import ValidationInfo

from omnibase_core import suggest, urls
from omnibase_core.contracts.findings import Refusal
from omnibase_core.contracts.operations import (
    CONTRACT_HANDLER_TYPES,
    OPERATIONS,
    handler_type_of,
    operation_type,
    operations_of,
)
from omnibase_core.enums import EnumHandlerType, EnumNodeKind
from omnibase_core.errors import shown

REFUSED: Final = "refused"
"""The type of the pydantic errors that carry a Refusal in their context."""

_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VERSION: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,63}")


def refused(refusal: Refusal) -> PydanticCustomError:
    """A pydantic error that says exactly what a refusal says."""
    return PydanticCustomError(REFUSED, "{message}", dict(refusal._asdict()))


def valid_name(text: str) -> str:
    """The name of a host or a handler, a node's slug."""
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


def valid_version(text: str) -> str:
    """The author's own version of a host or a node."""
    if _VERSION.fullmatch(text):
        return text
    raise refused(
        Refusal(f"'{shown(text)}' is not a version", "A version is text such as 1.0.0", "Correct the version")
    )


def known_handler_type(value: object) -> EnumHandlerType:
    """The handler type of that name."""
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


def known_operation(name: str, info: ValidationInfo) -> str:
    """An operation of the table, of the type that its entry names."""
    handler_type: EnumHandlerType | None = info.data.get("type")
    if name not in OPERATIONS:
        known = operations_of(handler_type or operation_type(name) or EnumHandlerType.LOCAL)
        names = known if handler_type or operation_type(name) else tuple(OPERATIONS)
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


def some_operation(operations: Sequence[str]) -> Sequence[str]:
    """At least one."""
    if not operations:
        raise refused(Refusal("No operations are listed", "An entry lists one or more", "List the operations"))
    return operations


def default_handler(handler: str, info: ValidationInfo) -> str:
    """The binding's name, by default the type."""
    return handler or str(info.data.get("type", ""))


def one_operation(request: object, info: ValidationInfo) -> object:
    """A request belongs to one operation."""
    if request is not None and len(info.data.get("operations", ("one",))) > 1:
        raise refused(_SEVERAL_OPERATIONS)
    return request


def http_target(target: str | None, info: ValidationInfo) -> str | None:
    """Of http, an origin and a path prefix."""
    if target is not None and info.data.get("type") == EnumHandlerType.HTTP:
        try:
            urls.parse_base(target)
        except urls.UrlError as error:
            hint = "An http target is an origin and a path prefix, such as https://api.example.com/users"
            raise refused(Refusal(f"The target {error}", hint, "Correct the URL")) from None
    return target


def fit_kind(node_type: object, names: Sequence[str], *, is_empty: bool) -> None:
    """Holds io_operations to the node's kind, and the names of all their operations apart."""
    if node_type == EnumNodeKind.EFFECT and is_empty:
        raise refused(_EFFECT_WITHOUT)
    if node_type == EnumNodeKind.COMPUTE and not is_empty:
        raise refused(_COMPUTE_WITH)
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise refused(
            Refusal(
                f"Operation '{twice}' is listed twice",
                "An envelope names an operation and no handler, so each has one handler",
                "Remove one of the two, or make two nodes of it",
            )
        )


def of_compute(value: object, info: ValidationInfo) -> object:
    """`let` and `transform` at the top are a COMPUTE node's."""
    if info.data.get("node_type") == EnumNodeKind.EFFECT:
        raise refused(_EFFECT_WITH)
    return value


_EFFECT_WITHOUT: Final = Refusal(
    "An EFFECT node needs io_operations",
    "They list the only operations that the node may use",
    "Add an entry such as {type: http, operations: [http.get]}, or make it a COMPUTE node",
)
_COMPUTE_WITH: Final = Refusal(
    "A COMPUTE node has no io_operations",
    "It is a pure function of its input",
    "Remove them, or make it an EFFECT node",
)
_EFFECT_WITH: Final = Refusal(
    "'let' and 'transform' at the top are a COMPUTE node's",
    "An EFFECT node maps in its operations: let, request, expect and response",
    "Move it into the entry of io_operations, or make it a COMPUTE node",
)
_SEVERAL_OPERATIONS: Final = Refusal(
    "A 'request' belongs to exactly one operation",
    "It is that operation's payload",
    "Make an entry of each operation, with a request of its own",
)
