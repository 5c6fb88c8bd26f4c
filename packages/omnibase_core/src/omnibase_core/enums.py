"""The closed sets of names that envelopes, contracts and errors speak in."""

from enum import Enum, StrEnum, auto


class EnumNodeKind(StrEnum):
    """What a node is. RUNTIME_HOST names the host itself, as the source of what no node said."""

    EFFECT = "EFFECT"
    COMPUTE = "COMPUTE"
    RUNTIME_HOST = "RUNTIME_HOST"


class EnumHandlerType(StrEnum):
    """The families of I/O. A bus is no handler: Kafka is not here. LOCAL is for dev and tests only."""

    LOCAL = "local"
    HTTP = "http"
    DB = "db"
    VAULT = "vault"
    CONSUL = "consul"


class EnumErrorCode(StrEnum):
    """Every code that an error envelope may carry; docs/errors.md says cause and remedy of each."""

    HANDLER_EXECUTION_ERROR = "HANDLER_EXECUTION_ERROR"
    HANDLER_CONNECTION_ERROR = "HANDLER_CONNECTION_ERROR"
    HANDLER_AUTHENTICATION_ERROR = "HANDLER_AUTHENTICATION_ERROR"
    HANDLER_TIMEOUT = "HANDLER_TIMEOUT"
    HANDLER_UNAVAILABLE = "HANDLER_UNAVAILABLE"
    HANDLER_NOT_FOUND = "HANDLER_NOT_FOUND"
    POOL_EXHAUSTED = "POOL_EXHAUSTED"
    INVALID_PARAMETER = "INVALID_PARAMETER"
    RATE_LIMITED = "RATE_LIMITED"
    NODE_NOT_FOUND = "NODE_NOT_FOUND"
    INVALID_OPERATION = "INVALID_OPERATION"
    ENVELOPE_VALIDATION_ERROR = "ENVELOPE_VALIDATION_ERROR"
    ENVELOPE_EXPIRED = "ENVELOPE_EXPIRED"
    UNEXPECTED_RESULT = "UNEXPECTED_RESULT"
    MAPPING_ERROR = "MAPPING_ERROR"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    CONTRACT_VALIDATION_ERROR = "CONTRACT_VALIDATION_ERROR"
    EVENT_BUS_ERROR = "EVENT_BUS_ERROR"
    PROTOCOL_CONFIGURATION_ERROR = "PROTOCOL_CONFIGURATION_ERROR"
    SECRET_RESOLUTION_ERROR = "SECRET_RESOLUTION_ERROR"  # noqa: S105 - the name of a code, not a secret
    INTERNAL_ERROR = "INTERNAL_ERROR"


class EnumHealth(StrEnum):
    """The state of a part: DEGRADED still works, but an operator should look."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


class EnumPauseCause(StrEnum):
    """Why a stream is left out of the poll."""

    WINDOW_FULL = "window_full"  # as much of it is in flight as may be
    BEHIND_OLDEST = "behind_oldest"  # too much is settled behind its oldest delivery
    BUS_SUSPENDED = "bus_suspended"  # the bus failed several times in a row


class EnumSettlement(Enum):
    """What became of a delivery. RELEASED alone never advances the frontier: it will be redelivered."""

    DONE = auto()
    DEAD_LETTERED = auto()
    SKIPPED = auto()
    RELEASED = auto()
