"""What of a request may be shown: values at places that are secret by their name, or by their form, may not."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

from omnibase_core.contracts.findings import value_at
from omnibase_core.contracts.literals import is_secret_place, literal_secrets, looks_secret
from omnibase_core.secret import REDACTED
from pydantic import JsonValue

_SHORTEST_PART: Final = 4


class Redaction:
    """Hides the secrets of a payload wherever they turn up, in what was made of it too."""

    def __init__(self, payload: JsonValue) -> None:
        found: set[str] = set()
        for path in literal_secrets(payload):
            texts = _texts(value_at(payload, path))
            found.update(texts if is_secret_place(path) else (_secret_part(text) for text in texts))
        every = {form for text in found for form in (text, quote(text, safe=""))}
        self._secrets = sorted(every, key=len, reverse=True)

    def __call__(self, value: JsonValue) -> JsonValue:
        """The value with every secret replaced."""
        return self._shown(value, (), {path for path in literal_secrets(value) if is_secret_place(path)})

    def text(self, text: str) -> str:
        """The same for a text, such as a URL."""
        for secret in self._secrets:
            if text == secret or len(secret) >= _SHORTEST_PART:
                text = text.replace(secret, REDACTED)
        return text.replace(_secret_part(text), REDACTED) if looks_secret(text) else text

    def _shown(
        self, value: JsonValue, path: tuple[str | int, ...], paths: set[tuple[str | int, ...]]
    ) -> JsonValue:
        if path in paths:
            return REDACTED
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {key: self._shown(item, (*path, key), paths) for key, item in value.items()}
        if isinstance(value, list):
            return [self._shown(item, (*path, index), paths) for index, item in enumerate(value)]
        return value


def _secret_part(text: str) -> str:
    """Of a text that has the form of a secret: its query, where that is what has it, else the whole."""
    head, mark, query = text.partition("?")
    return query if mark and query and not looks_secret(head) else text


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
