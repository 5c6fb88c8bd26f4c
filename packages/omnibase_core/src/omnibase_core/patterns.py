"""Regular expressions that are compiled when they are first used: a start, or one command, uses few of them."""

import re
from typing import Any, Final, cast


class _Deferred:
    """Takes the place of a pattern; each of its methods is the pattern's own from the first use on."""

    def __init__(self, text: str | bytes, flags: int) -> None:
        self._text = text
        self._flags = flags

    def __getattr__(self, name: str) -> Any:  # whatever the pattern has under that name
        found = getattr(re.compile(self._text, self._flags), name)
        setattr(self, name, found)
        return found


def deferred(text: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern that is compiled when it is first used, and as fast as any other afterwards."""
    return cast("re.Pattern[str]", _Deferred(text, flags))


def deferred_bytes(text: bytes, flags: int = 0) -> re.Pattern[bytes]:
    """The same for bytes."""
    return cast("re.Pattern[bytes]", _Deferred(text, flags))


BASE64: Final = deferred(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
"""Base64 of RFC 4648, section 4: padded, without line breaks."""
