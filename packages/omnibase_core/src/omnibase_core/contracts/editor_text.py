"""One text that an editor shows."""

from typing import Final, NamedTuple

from pydantic import JsonValue


class Text(NamedTuple):
    """A field's description and examples; `pattern` is of its text."""

    description: str
    examples: tuple[JsonValue, ...] = ()
    pattern: str | None = None


SCHEMA_VERSION_TEXT: Final = Text(
    "The version of this form of contract, three numbers", ("1.0.0",), r"^[0-9]{1,6}(\.[0-9]{1,6}){2}$"
)
"""The first field of every contract."""
