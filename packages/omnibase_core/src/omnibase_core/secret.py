"""Secrets as values that cannot be shown by accident, and the references that contracts hold instead."""

import re
from typing import Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

REDACTED = "********"

_REFERENCE = re.compile(
    r"(?P<path>[A-Za-z0-9._-]+(?:/[A-Za-z0-9._-]+)*)(?:#(?P<key>[A-Za-z0-9._-]+))?(?:@(?P<version>[1-9][0-9]*))?"
)


class Secret:
    """A resolved secret. Only `reveal` gives the text: repr, str, format, JSON and pickle do not."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself, for the one call that needs it; keep it in no variable that outlives it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret('{REDACTED}')"

    def __str__(self) -> str:
        return REDACTED

    def __format__(self, spec: str) -> str:
        return REDACTED

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is neither pickled nor copied; pass its reference instead")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.is_instance_schema(
            cls, serialization=core_schema.plain_serializer_function_ser_schema(lambda _: REDACTED)
        )


class ModelSecretRef(BaseModel):
    """`secret_ref: path[#key][@version]`: the only form that a secret field of a contract takes.

    `prefix` stands before the secret where it is used (`Bearer `), and is no secret itself.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", strict=True)

    secret_ref: str
    prefix: str = ""

    @model_validator(mode="after")
    def _well_formed(self) -> Self:
        match = _REFERENCE.fullmatch(self.secret_ref)
        if match is None or any(part in (".", "..") for part in match["path"].split("/")):
            raise PydanticCustomError(
                "secret_ref",
                "a secret_ref is written path[#key][@version], of letters, digits and . _ - /; "
                "it names a secret and never holds one",
            )
        return self

    @property
    def path(self) -> str:
        """The part before `#` and `@`."""
        return self._part("path") or ""

    @property
    def key(self) -> str | None:
        """The part after `#`."""
        return self._part("key")

    @property
    def version(self) -> int | None:
        """The part after `@`."""
        text = self._part("version")
        return None if text is None else int(text)

    def _part(self, name: str) -> str | None:
        match = _REFERENCE.fullmatch(self.secret_ref)
        return None if match is None else match[name]
