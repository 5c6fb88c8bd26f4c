"""What Vault answers, read into types; none of them shows a secret."""

from dataclasses import dataclass, field
from typing import Final

from omnibase_core.errors import HandlerConnectionError
from pydantic import JsonValue

from omnibase_infra.transports.exchange import Json

_NO_ANSWER: Final = "What came is no answer of Vault: look what answers at the handler's address"


@dataclass(frozen=True, slots=True)
class KvSecret:
    """One version of a secret. created_time: as Vault writes it, RFC 3339."""

    data: Json = field(repr=False)
    version: int
    created_time: str


def secret_of(answer: Json) -> KvSecret:
    """The secret of an answer. Raises HandlerConnectionError for one that is none."""
    found = part(answer, "data")
    metadata = part(found, "metadata")
    version, created = metadata.get("version"), metadata.get("created_time")
    if not isinstance(version, int) or not isinstance(created, str):
        raise strange()
    return KvSecret(part(found, "data"), version, created)


def part(answer: Json, name: str) -> Json:
    """An object within an answer. Raises HandlerConnectionError where there is none."""
    found = answer.get(name)
    if not isinstance(found, dict):
        raise strange()
    return found


def number(answer: Json, name: str) -> int:
    """An integer within an answer; 0 where there is none."""
    found: JsonValue = answer.get(name)
    return found if isinstance(found, int) else 0


def strange() -> HandlerConnectionError:
    """The error for what Vault would not answer."""
    return HandlerConnectionError(_NO_ANSWER)
