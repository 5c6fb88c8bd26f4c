"""The id of a request's responses: uuid5 of the request's id and "onex.response" (RFC 9562, 5.5).

It is on the way of every envelope, and `uuid.uuid5` is the slowest thing on it: these take a third of its time.
"""

from functools import partial
from typing import Final
from uuid import UUID, SafeUUID

try:  # Python's own is done with 29 bytes before OpenSSL's has begun
    from _sha1 import sha1  # type: ignore[import-not-found]  # in no stub, and not in every build
except ImportError:
    import hashlib

    sha1 = partial(hashlib.sha1, usedforsecurity=False)

_NAME: Final = b"onex.response"
_VARIANT: Final = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}
_VERSION: Final = 5 << 76 | 2 << 62
_REST: Final = ~(0xF << 76 | 3 << 62)
_UNKNOWN: Final = SafeUUID.unknown
_new = object.__new__
_set_int, _set_safety = (UUID.__dict__[slot].__set__ for slot in ("int", "is_safe"))


def written_response_id(request_id: UUID) -> str:
    """The id as envelopes have it in JSON."""
    digest = sha1(request_id.int.to_bytes(16, "big") + _NAME).hexdigest()
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{_VARIANT[digest[16]]}{digest[17:20]}-{digest[20:32]}"


def response_id(request_id: UUID) -> UUID:
    """The id itself, without the checks of UUID's constructor."""
    digest = sha1(request_id.int.to_bytes(16, "big") + _NAME).digest()
    found = _new(UUID)
    _set_int(found, int.from_bytes(digest[:16], "big") & _REST | _VERSION)
    _set_safety(found, _UNKNOWN)
    return found
