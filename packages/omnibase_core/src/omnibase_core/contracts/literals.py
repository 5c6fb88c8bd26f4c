"""Finds secrets that somebody wrote into a contract instead of referring to them.

A field counts as secret by its name, a text by its form (a URL with a password, a bearer token, a private
key). What is found is reported by its place only.
"""

import re
from collections.abc import Iterator

from omnibase_core.contracts.source import Path, YamlValue
from omnibase_core.patterns import deferred

_SECRET_FIELD = deferred(
    r"(?:.*[_-])?(?:password|passwd|pwd|passphrase|secret|secret_id|token|api_?key|access_?key|private_?key"
    r"|dsn|credentials?|connection_string|authorization|cookie)"
)
_SECRET_HEADER = deferred(
    r"authorization|proxy-authorization|cookie|set-cookie|.*(?:token|secret|password|api-?key|credential).*"
)
# Each part takes what no later part of it could start with: a long text costs time in proportion to its length.
_SECRET_TEXT = deferred(
    r"[a-z0-9+.-]://[^/?\#\s:]*:[^/?\#\s@]*@"
    r"|[?&;](?:password|passwd|pwd|sslpassword|token|access_token|api_?key|secret|sig|signature)=[^&\s]"
    r"|(?:^|\s)password\s*=\s*\S"
    r"|^\s*(?:bearer|basic)\s+\S"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----",
    re.IGNORECASE,
)

_AUTHORITY = deferred(r"[a-z0-9+.-]://(?P<authority>[^/?\#\s]*)", re.IGNORECASE)


def is_secret_field(name: str) -> bool:
    """Whether a field of this name takes a secret_ref and nothing else."""
    return _SECRET_FIELD.fullmatch(name.lower()) is not None


def is_secret_header(name: str) -> bool:
    """Whether a header of this name carries a credential."""
    return _SECRET_HEADER.fullmatch(name.lower().replace("_", "-")) is not None


def is_secret_place(path: Path) -> bool:
    """Whether what stands at a path of a contract is a secret by its name."""
    name = path[-1] if path else None
    if not isinstance(name, str):
        return False
    return is_secret_header(name) if path[-2:-1] == ("headers",) else is_secret_field(name)


def looks_secret(text: str) -> bool:
    """Whether a text has the form of a credential, wherever it stands."""
    return _SECRET_TEXT.search(text) is not None


def url_credentials(value: YamlValue, path: Path = ()) -> Iterator[Path]:
    """The places of every text in a value that holds a URL with a password, which no expression gives."""
    if isinstance(value, str):
        if "://" in value and any(_has_password(found["authority"]) for found in _AUTHORITY.finditer(value)):
            yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from url_credentials(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from url_credentials(item, (*path, key))


def _has_password(authority: str) -> bool:
    _, colon, password = authority.rpartition("@")[0].rpartition(":")
    return bool(colon and password) and "${{" not in password


def literal_secrets(value: YamlValue, path: Path = ()) -> Iterator[Path]:
    """The places of every literal secret in a value."""
    if isinstance(value, str):
        if looks_secret(value):
            yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from literal_secrets(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            if item is not None and not is_reference(item) and is_secret_place((*path, key)):
                yield (*path, key)
            else:
                yield from literal_secrets(item, (*path, key))


def is_reference(value: YamlValue) -> bool:
    """Whether a value has the shape of a secret reference; whether it is a good one is checked elsewhere."""
    return isinstance(value, dict) and "secret_ref" in value
