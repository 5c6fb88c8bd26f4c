"""Secrets: where a reference is looked for, and what is said when it is nowhere.

A reference is `path[#key][@version]`. Sources are asked in order, and the first one that has the secret answers;
Vault is another SecretSource, in transports/vault. Neither environment nor files keep versions: `@version` is left
out of the names that they are asked for.
"""

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, Self

from omnibase_core.contracts.secrets_config import ModelSecrets
from omnibase_core.errors import SecretResolutionError
from omnibase_core.secret import ModelSecretRef, Secret
from pydantic import JsonValue, ValidationError

from omnibase_infra.config.secret_files import Absent, read_secret_file

SECRETS_DIR_VARIABLE = "ONEX_SECRETS_DIR"
DEFAULT_SECRETS_DIR = "/run/secrets"

Names = Mapping[str, str | None]
"""What secrets are called in one kind of place, by reference; None: not looked for there."""

NO_NAMES: Names = MappingProxyType({})

_NOT_A_NAME = re.compile(r"[^A-Z0-9]")


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
    def place(self, reference: ModelSecretRef) -> str | None:
        """Where the secret is looked for, as people are told; None: it is not looked for here."""

    @abstractmethod
    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        """The secret without the reference's prefix, or the place and why it is not there. Never raises."""

    async def close(self) -> None:
        """Gives back what it holds; it may be asked again."""
        return


class EnvironmentSecrets(SecretSource):
    """Secrets in environment variables: `orders/db#password` is `ONEX_SECRET_ORDERS_DB_PASSWORD`.

    Two references that differ only in case or punctuation share a variable. An empty variable counts as not set.
    names: other variables, by reference.
    """

    def __init__(self, environment: Mapping[str, str], names: Names = NO_NAMES) -> None:
        self._environment = environment
        self._names = names

    def place(self, reference: ModelSecretRef) -> str | None:
        name = self._variable(reference)
        return None if name is None else f"environment variable {name}"

    def _variable(self, reference: ModelSecretRef) -> str | None:
        return self._names.get(unversioned(reference), environment_name(reference))

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        place = self.place(reference) or ""
        text = self._environment.get(self._variable(reference) or "")
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
    names: other files, by reference.
    """

    def __init__(self, folder: Path, names: Names = NO_NAMES) -> None:
        self._folder = folder.absolute()
        self._names = names

    def place(self, reference: ModelSecretRef) -> str | None:
        file = self._file(reference)
        return None if file is None else f"file {file}"

    def _file(self, reference: ModelSecretRef) -> Path | None:
        default = "/".join(filter(None, [reference.path, reference.key]))
        name = self._names.get(unversioned(reference), default)
        return None if name is None else self._folder / name

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        file = self._file(reference)
        assert file is not None
        return read_secret_file(file)


class SecretResolver:
    """Finds secrets by reference, in the sources' order.

    `get_secret` and `get_secrets` give the secrets as they are: what stands before one where it is used
    (`prefix`) is added by whoever knows the field. What was found is given again for `cache_s` seconds of `now`.
    refresh_s: how often a host looks whether a secret has changed; None: never.
    """

    def __init__(
        self,
        sources: Sequence[SecretSource],
        *,
        cache_s: float = 0.0,
        refresh_s: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.refresh_s = refresh_s
        self._sources = tuple(sources)
        self._cache_s = cache_s
        self._now = now
        self._cache: dict[str, tuple[float, Secret]] = {}

    @classmethod
    def of_environment(
        cls, environment: Mapping[str, str], secrets: ModelSecrets | None = None, vault: SecretSource | None = None
    ) -> "SecretResolver":
        """The places of a contract's `secrets`, by default environment, then files; `vault` is its Vault.

        The folder is the contract's, else ONEX_SECRETS_DIR, /run/secrets where that is not set; an empty one
        means no folder.
        """
        secrets = secrets or ModelSecrets.model_construct()
        folder = secrets.folder
        if folder is None:
            folder = environment.get(SECRETS_DIR_VARIABLE, DEFAULT_SECRETS_DIR)
        known = {
            "vault": vault,
            "environment": EnvironmentSecrets(environment, secrets.names_in("environment")),
            "files": FileSecrets(Path(folder), secrets.names_in("files")) if folder else None,
        }
        sources = [source for place in secrets.order if (source := known[place]) is not None]
        refresh_s = None if secrets.refresh_ms is None else secrets.refresh_ms / 1_000
        return cls(sources, cache_s=secrets.cache_ms / 1_000, refresh_s=refresh_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Gives back what the sources hold, and forgets every secret."""
        self._cache.clear()
        for source in self._sources:
            await source.close()

    def places(self, reference: ModelSecretRef | str) -> tuple[str, ...]:
        """Where a secret is looked for, in this order."""
        wanted = _as_reference(reference)
        return tuple(place for source in self._sources if (place := source.place(wanted)) is not None)

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
        self, references: Iterable[ModelSecretRef | str], *, fresh: bool = False
    ) -> tuple[dict[str, Secret], tuple[Unresolved, ...]]:
        """What was found and what was not; asks for each reference once, in the order given.

        fresh: looks even for what was found a short while ago.
        """
        wanted = {one.secret_ref: one for one in map(_as_reference, references)}
        found: dict[str, Secret] = {}
        missing: list[Unresolved] = []
        for text, reference in wanted.items():
            until, cached = self._cache.get(text, (0.0, None))
            answer = await self._find(reference) if fresh or cached is None or self._now() >= until else cached
            if isinstance(answer, Secret):
                found[text] = answer
                self._cache[text] = (until if answer is cached else self._now() + self._cache_s, answer)
            else:
                missing.append(Unresolved(text, answer))
        return found, tuple(missing)

    async def _find(self, reference: ModelSecretRef) -> Secret | tuple[Absent, ...]:
        absences: list[Absent] = []
        for source in self._sources:
            if source.place(reference) is None:
                continue
            answer = await source.find(reference)
            if isinstance(answer, Secret):
                return answer
            absences.append(answer)
            if answer.ends_search:
                break
        return tuple(absences)


def unversioned(reference: ModelSecretRef) -> str:
    """`path[#key]`, by which a contract's `names` know a secret."""
    return reference.secret_ref.partition("@")[0]


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
    message = "\n  ".join([f"{lead}; put it into a place that is named here:", *lines])
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
