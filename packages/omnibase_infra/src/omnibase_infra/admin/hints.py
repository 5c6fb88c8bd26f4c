"""What to do about each error code, in a line: what docs/errors.md says, for whoever does not have it at hand."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from omnibase_core.enums import EnumErrorCode

HINTS: Final[Mapping[EnumErrorCode, str]] = MappingProxyType(
    {
        EnumErrorCode.HANDLER_EXECUTION_ERROR: (
            "read the message; for a COMPUTE function, the host's log has the trace under the correlation "
            "id. With effect: indeterminate, look whether it took effect before you repeat it."
        ),
        EnumErrorCode.HANDLER_CONNECTION_ERROR: (
            "check address and port in the contract, and that the server is up. With effect: "
            "indeterminate, send the same envelope again."
        ),
        EnumErrorCode.HANDLER_AUTHENTICATION_ERROR: (
            "check the secret that the handler's config names, and the privileges of its user."
        ),
        EnumErrorCode.HANDLER_TIMEOUT: (
            "allow more time, or ask for less. With effect: indeterminate, look before you repeat it."
        ),
        EnumErrorCode.HANDLER_UNAVAILABLE: (
            "wait; look why the calls before it failed: the host's log has a line guard.breaker_opened."
        ),
        EnumErrorCode.HANDLER_NOT_FOUND: "add the handler to the runtime contract.",
        EnumErrorCode.POOL_EXHAUSTED: (
            "raise pool_size or max_connections, shorten what holds them, or send less at once."
        ),
        EnumErrorCode.INVALID_PARAMETER: "correct the field or parameter that the message names.",
        EnumErrorCode.RATE_LIMITED: "send less, or raise rate_limit_per_second.",
        EnumErrorCode.NODE_NOT_FOUND: "correct the slug, or add the node to the runtime contract.",
        EnumErrorCode.INVALID_OPERATION: "name one of available_operations; for a COMPUTE node, none.",
        EnumErrorCode.ENVELOPE_VALIDATION_ERROR: "correct what stands at path.",
        EnumErrorCode.ENVELOPE_EXPIRED: (
            "send it again with a new timestamp, or allow more time; check that the clocks agree."
        ),
        EnumErrorCode.UNEXPECTED_RESULT: "correct the expectation, the model, the statement or the data.",
        EnumErrorCode.MAPPING_ERROR: "correct the mapping that the message names; coalesce gives null a value.",
        EnumErrorCode.PAYLOAD_TOO_LARGE: "ask for less, or raise the limit that the message names.",
        EnumErrorCode.CONTRACT_VALIDATION_ERROR: "correct the problems; each has its place and a way out.",
        EnumErrorCode.EVENT_BUS_ERROR: (
            "nothing for a response: the host publishes it again. For a request of your own, send it again."
        ),
        EnumErrorCode.PROTOCOL_CONFIGURATION_ERROR: "as the message says.",
        EnumErrorCode.SECRET_RESOLUTION_ERROR: "put it into a place that the message names.",
        EnumErrorCode.INTERNAL_ERROR: (
            "report it, with the trace that the host's log has under the correlation id."
        ),
    }
)
