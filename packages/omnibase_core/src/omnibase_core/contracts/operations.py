"""Every operation that a contract can name, with the fields of its payload and of its result.

The table stands beside the contracts so that they are validated without loading a driver; each handler's
`describe()` is held to it. An operation's handler type is the part of its name before the dot.
"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from omnibase_core.enums import EnumHandlerType

if TYPE_CHECKING:
    from omnibase_core.description import ModelOperationDescription

Isolation = Literal["read_committed", "repeatable_read", "serializable"]
"""How far db.transaction is kept apart from others."""

CONTRACT_HANDLER_TYPES = (
    EnumHandlerType.HTTP,
    EnumHandlerType.DB,
    EnumHandlerType.VAULT,
    EnumHandlerType.CONSUL,
)
"""The handler types that a production contract may name, in the order in which messages list them."""

_HTTP_RESULT = ("status_code", "headers", "body", "body_type")
_HTTP_READ = ("headers", "params")
_HTTP_WRITE = (*_HTTP_READ, "body", "body_text", "body_base64", "content_type")
_SERVICE = ("service_id", "address", "port", "tags", "meta", "check")

# operation: required payload fields, optional payload fields, result fields
_ROWS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]] = {
    "http.get": (("url",), _HTTP_READ, _HTTP_RESULT),
    "http.head": (("url",), _HTTP_READ, _HTTP_RESULT),
    "http.delete": (("url",), _HTTP_READ, _HTTP_RESULT),
    "http.post": (("url",), _HTTP_WRITE, _HTTP_RESULT),
    "http.put": (("url",), _HTTP_WRITE, _HTTP_RESULT),
    "http.patch": (("url",), _HTTP_WRITE, _HTTP_RESULT),
    "db.query": (("sql",), ("parameters", "expect"), ("rows", "row_count")),
    "db.execute": (("sql",), ("parameters", "expect"), ("rows", "row_count")),
    "db.transaction": (("statements",), ("isolation",), ("results",)),
    "vault.get_secret": (("path",), ("version",), ("data", "version", "created_time")),
    "vault.list_secrets": (("path",), (), ("keys",)),
    "vault.set_secret": (("path", "data"), ("cas",), ("version",)),
    "vault.delete_secret": (("path",), ("versions",), ("deleted",)),
    "consul.register_service": (("name",), _SERVICE, ("service_id",)),
    "consul.deregister_service": (("service_id",), (), ("deregistered",)),
    "consul.get_service": (("name",), ("passing_only", "tag"), ("instances",)),
    "consul.health_check_service": (("name",), (), ("status", "checks")),
    "consul.list_services": ((), (), ("services",)),
    "local.echo": ((), (), ()),
    "local.transform": ((), (), ()),
    "local.error": ((), (), ()),
}

_REPEATABLE = frozenset(
    (
        *(
            "http.get",
            "http.head",
            "http.delete",
            "http.put",
            "db.query",
            "vault.get_secret",
            "vault.list_secrets",
        ),
        *(name for name in _ROWS if name.startswith(("consul.", "local."))),
    )
)


class Operation(NamedTuple):
    """One operation, as ModelOperationDescription has it."""

    name: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    result: tuple[str, ...]
    repeatable: bool


OPERATIONS: Final[Mapping[str, Operation]] = MappingProxyType(
    {name: Operation(name, *fields, name in _REPEATABLE) for name, fields in _ROWS.items()}
)
"""Every operation by its name. Those of `local` are for dev and tests, and take any payload."""


@cache
def operation_table() -> "Mapping[str, ModelOperationDescription]":
    """The same as models, which handlers describe themselves with."""
    from omnibase_core.description import ModelOperationDescription  # validation does without models

    described = {name: ModelOperationDescription(**each._asdict()) for name, each in OPERATIONS.items()}
    return MappingProxyType(described)


def handler_type_of(value: object) -> EnumHandlerType | None:
    """The handler type of that name; None where there is none, or where the value is no text."""
    return next((known for known in EnumHandlerType if known == value), None)


def operation_type(operation: str) -> EnumHandlerType | None:
    """The handler type that an operation's name starts with; None where it starts with none."""
    prefix, dot, _ = operation.partition(".")
    return handler_type_of(prefix) if dot else None


def operations_of(handler_type: EnumHandlerType) -> tuple[str, ...]:
    """The names of a handler type's operations, in the table's order."""
    return tuple(name for name in OPERATIONS if operation_type(name) is handler_type)
