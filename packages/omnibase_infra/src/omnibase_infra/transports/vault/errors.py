"""What each answer of Vault that is no success means.

| status | error | why |
| --- | --- | --- |
| 400 with a check-and-set text | UnexpectedResultError | another version than `cas` says is there |
| 400, 405 and others | HandlerExecutionError | the same request would be refused again |
| 401, 403 | HandlerAuthenticationError | the policy does not allow it, or the token has ended |
| 404 | UnexpectedResultError | no such secret or version, or it is deleted |
| 307, 308, 472, 473, 474 | TransientHandlerError | a standby: nothing was done |
| 412, 429 | TransientHandlerError | not done yet; a quota |
| 503 | TransientHandlerError | sealed, or not initialised: nothing was done |
| other 5xx | TransientHandlerError, of writes IndeterminateEffectError | nobody knows |
"""

import re
from typing import Final

from omnibase_core.errors import (
    HandlerAuthenticationError,
    HandlerExecutionError,
    IndeterminateEffectError,
    RuntimeHostError,
    TransientHandlerError,
    UnexpectedResultError,
)

from omnibase_infra.transports.exchange import Json

STANDBY: Final = frozenset({301, 302, 307, 308, 472, 473, 474})
"""The statuses with which a node that is not the active one sends a request away."""
_NOT_DONE: Final = frozenset({412, 429, 503, *STANDBY})
_CAS: Final = re.compile("check-and-set", re.IGNORECASE)
_SEALED: Final = re.compile("sealed", re.IGNORECASE)


class RefusedError(Exception):
    """An answer of Vault that is no success. It stays within this package; `failure` gives what may leave it.

    Attributes: `status`, `retry_after_s`, and `body`, which may hold anything and is never shown.
    """

    def __init__(self, status: int, body: Json, *, repeatable: bool, retry_after_s: int | None) -> None:
        super().__init__(f"status {status}")
        self.status = status
        self.body = body
        self.repeatable = repeatable
        self.retry_after_s = retry_after_s


def failure(refused: RefusedError) -> RuntimeHostError:
    """The error for an answer, without a word of its body."""
    status = refused.status
    details: Json = {"status": status}
    if status in (401, 403):
        return HandlerAuthenticationError(
            "Vault refused the token or what it asked for (permission denied): give the policy of this login the "
            "path, or correct the credentials of the handler",
            details=details,
        )
    if status == 404:
        return UnexpectedResultError(_absence(refused.body), details=details)
    if status == 400 and _matches(_CAS, refused.body):
        return UnexpectedResultError(
            "The secret has another version than 'cas' says; nothing was written: read it again", details=details
        )
    if status in _NOT_DONE or status >= 500:
        return _passing(refused, details)
    return HandlerExecutionError(f"Vault refused the request with status {status}", details=details)


def _passing(refused: RefusedError, details: Json) -> RuntimeHostError:
    status = refused.status
    if refused.retry_after_s is not None:
        details["retry_after_s"] = refused.retry_after_s
    sentence = f"Vault failed with status {status}"
    if status in STANDBY:
        sentence = f"This Vault is a standby (status {status}) and did nothing: set address to the active node"
    elif status == 503:
        sealed = _matches(_SEALED, refused.body)
        sentence = "Vault is sealed: unseal it" if sealed else "Vault is not available (status 503)"
    elif status == 429:
        sentence = "Vault takes no more requests now (status 429, a quota, or a standby)"
    error: RuntimeHostError
    if status in _NOT_DONE or refused.repeatable:
        error = TransientHandlerError(sentence, details=details)
    else:
        error = IndeterminateEffectError(f"{sentence}; whether it took effect is not known", details=details)
    error.outage = status not in (412, 429)
    return error


def _absence(body: Json) -> str:
    found = body.get("data")
    metadata = found.get("metadata") if isinstance(found, dict) else None
    if not isinstance(metadata, dict):
        return "Vault has no such secret or version (or the mount is none of KV version 2)"
    if metadata.get("destroyed"):
        return "This version of the secret was destroyed"
    return (
        "This version of the secret was deleted" if metadata.get("deletion_time") else "Vault has no such secret"
    )


def _matches(pattern: re.Pattern[str], body: Json) -> bool:
    errors = body.get("errors")
    return isinstance(errors, list) and any(isinstance(each, str) and pattern.search(each) for each in errors)
