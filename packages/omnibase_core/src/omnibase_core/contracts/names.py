"""The closed forms of text in contracts: names, versions, handler types and operations."""

from typing import Annotated

from pydantic import AfterValidator, PlainValidator

from omnibase_core.contracts.rules import known_handler_type, known_operation, valid_name, valid_version
from omnibase_core.enums import EnumHandlerType

Name = Annotated[str, AfterValidator(valid_name)]
"""The name of a host or a handler, a node's slug."""

Version = Annotated[str, AfterValidator(valid_version)]
"""The version of a host or a node: the author's own, not compared."""

HandlerType = Annotated[
    EnumHandlerType, PlainValidator(known_handler_type, json_schema_input_type=EnumHandlerType)
]
"""A handler type, refused with the list of valid ones."""

OperationName = Annotated[str, AfterValidator(known_operation)]
"""An operation of the table, of the type that the entry names."""
