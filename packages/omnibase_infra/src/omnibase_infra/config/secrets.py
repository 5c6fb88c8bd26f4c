"""Secrets: where a reference is looked for, and what is said when it is nowhere.

A reference is `path[#key][@version]`. Sources are asked in order, and the first one that has the secret answers.
Another kind of place is another SecretSource in front of these two. Neither environment nor files keep
versions: `@version` is left out of the names that they are asked for.
"""

import errno
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from omnibase_core.errors import SecretResolutionError
from omnibase_core.secret import ModelSecretRef, Secret
from pydantic import JsonValue, ValidationError

SECRETS_DIR_VARIABLE = "ONEX_SECRETS_DIR"
DEFAULT_SECRETS_DIR = "/run/secrets"
MAX_SECRET_BYTES = 64 * 1024

_NOT_A_NAME = re.compile(r"[^A-Z0-9]")
_REASONS = {
    errno.ENOENT: "no such file",
    errno.ENOTDIR: "no such file",
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ELOOP: "its links form a circle",
    errno.ENAMETOOLONG: "the name is too long for a file",
}


class Absent(NamedTuple):
    """A place that was looked at, and why it gave nothing."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} ({self.reason})"


class Unresolved(NamedTuple):
    """A reference that no place knew."""

    reference: str
    absences: tuple[Absent, ...]

    def __str__(self) -> str:
        looked_at = "; ".join(map(str, self.absences)) or "nowhere, for no place is configured"
        return f"no secret '{self.reference}'; looked at: {looked_at}"

    def as_json(self) -> dict[str, JsonValue]:
        """The same for an error's details."""
        return {"reference": self.reference, "places": [str(absence) for absence in self.absences]}


class SecretSource(ABC):
    """One kind of place that holds secrets."""

    @abstractmethod
    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        """The secret without the reference's prefix, or the place and why it is not there. Never raises."""


class EnvironmentSecrets(SecretSource):
    """Secrets in environment variables: `orders/db#password` is `ONEX_SECRET_ORDERS_DB_PASSWORD`.

    Two references that differ only in case or punctuation share a variable. An empty variable counts as not set.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        name = environment_name(reference)
        place = f"environment variable {name}"
        text = self._environment.get(name)
        if text is None:
            return Absent(place, "not set")
        if not text:
            return Absent(place, "empty")
        try:
            text.encode()
        except UnicodeEncodeError:
            return Absent(place, "not UTF-8")
        return Secret(text)


class FileSecrets(SecretSource):
    """Secrets in a mounted folder: `<folder>/<path>`, or `<folder>/<path>/<key>`, one secret a file.

    Links are followed (Kubernetes mounts secrets as links). A file has at most 64 KiB of UTF-8; one line end
    at its end is not part of the secret. Files are read anew every time, so that a rotated one is seen.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        file = self._folder.joinpath(*reference.path.split("/"), *filter(None, [reference.key]))
        return read_secret_file(file)


class SecretResolver:
    """Finds secrets by reference, in the sources' order.

    `get_secret` and `get_secrets` give the secrets as they are: what stands before one where it is used
    (`prefix`) is added by whoever knows the field.
    """

    def __init__(self, sources: Sequence[SecretSource]) -> None:
        self._sources = tuple(sources)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str]) -> "SecretResolver":
        """Environment, then files. The folder is ONEX_SECRETS_DIR, /run/secrets where that is not set;
        an empty ONEX_SECRETS_DIR means no folder."""
        folder = environment.get(SECRETS_DIR_VARIABLE, DEFAULT_SECRETS_DIR)
        files = [FileSecrets(Path(folder))] if folder else []
        return cls([EnvironmentSecrets(environment), *files])

    async def get_secret(self, reference: ModelSecretRef | str) -> Secret:
        """One secret. Raises SecretResolutionError with the reference and every place that was looked at."""
        wanted = _as_reference(reference)
        return (await self.get_secrets([wanted]))[wanted.secret_ref]

    async def get_secrets(self, references: Iterable[ModelSecretRef | str]) -> dict[str, Secret]:
        """Several secrets by the text of their references. Raises one SecretResolutionError for all missing."""
        found, missing = await self.search(references)
        if missing:
            raise unresolved_error([(None, unresolved) for unresolved in missing])
        return found

    async def search(
        self, references: Iterable[ModelSecretRef | str]
    ) -> tuple[dict[str, Secret], tuple[Unresolved, ...]]:
        """What was found and what was not; asks for each reference once, in the order given."""
        wanted = {one.secret_ref: one for one in map(_as_reference, references)}
        found: dict[str, Secret] = {}
        missing: list[Unresolved] = []
        for text, reference in wanted.items():
            answer = await self._find(reference)
            if isinstance(answer, Secret):
                found[text] = answer
            else:
                missing.append(Unresolved(text, answer))
        return found, tuple(missing)

    async def _find(self, reference: ModelSecretRef) -> Secret | tuple[Absent, ...]:
        absences: list[Absent] = []
        for source in self._sources:
            answer = await source.find(reference)
            if isinstance(answer, Secret):
                return answer
            absences.append(answer)
        return tuple(absences)


def read_secret_file(file: Path) -> Secret | Absent:
    """The secret that is a file's whole content, as FileSecrets reads it; read anew every time. Never raises."""
    place = f"file {file}"
    try:
        content = _read_regular_file(file)
    except OSError as error:
        return Absent(place, _REASONS.get(error.errno or 0, "it cannot be read"))
    if isinstance(content, str):
        return Absent(place, content)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return Absent(place, "not UTF-8")
    text = text.removesuffix("\n").removesuffix("\r")
    return Secret(text) if text else Absent(place, "empty")


def environment_name(reference: ModelSecretRef) -> str:
    """The variable of a reference: ONEX_SECRET_ and path and key in upper case, every other character `_`."""
    name = reference.path if reference.key is None else f"{reference.path}#{reference.key}"
    return "ONEX_SECRET_" + _NOT_A_NAME.sub("_", name.upper())


def unresolved_error(missing: Sequence[tuple[str | None, Unresolved]]) -> SecretResolutionError:
    """One error for all that is missing, each with the field that wants it where that is known."""
    lines = [str(one) if field is None else f"{field}: {one}" for field, one in missing]
    details: list[JsonValue] = [
        one.as_json() if field is None else {"field": field, **one.as_json()} for field, one in missing
    ]
    lead = "1 secret is missing" if len(lines) == 1 else f"{len(lines)} secrets are missing"
    message = "\n  ".join([f"{lead}; set the variable or mount the file that is named here:", *lines])
    return SecretResolutionError(message, details={"missing": details})


def _as_reference(reference: ModelSecretRef | str) -> ModelSecretRef:
    if isinstance(reference, ModelSecretRef):
        return reference
    try:
        return ModelSecretRef(secret_ref=reference)
    except ValidationError:
        raise SecretResolutionError(
            "A secret was asked for by something that is no reference; references are path[#key][@version], "
            "of letters, digits and . _ - /"
        ) from None


def _read_regular_file(file: Path) -> bytes | str:
    """The content, or why it is none. Opened without waiting: a pipe in the folder must not hang the host."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            return "a folder; name one of its files as path#key"
        if not stat.S_ISREG(mode):
            return "no regular file"
        content = os.read(descriptor, MAX_SECRET_BYTES + 1)
    finally:
        os.close(descriptor)
    return content if len(content) <= MAX_SECRET_BYTES else f"larger than {MAX_SECRET_BYTES} bytes"
