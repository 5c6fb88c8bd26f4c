"""The `secrets` of a runtime contract: where its secret references are looked for, and how often again."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from omnibase_core.contracts.check_vault import check_vault
from omnibase_core.contracts.findings import Findings, Refusal, Section, dotted
from omnibase_core.contracts.handler_config import Milliseconds, ModelVaultConfig

SecretPlace = Literal["vault", "environment", "files"]
Reference = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*(#[A-Za-z0-9._-]+)?$")]


class ModelSecretNames(BaseModel):
    """What one secret is called in a place where that is not its reference; null is not the same as left out."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    reference: Reference
    vault: Reference | None = None
    environment: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    files: Annotated[str, Field(min_length=1)] | None = None


class ModelSecrets(BaseModel):
    """Where secret references are looked for.

    vault: the Vault that holds secrets. Its own credentials are looked for in environment and files only.
    cache_ms: how long a secret that was found is given again without looking.
    refresh_ms: how often a running host looks whether a secret has changed; null: never.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    order: Annotated[tuple[SecretPlace, ...], Field(min_length=1)] = ("vault", "environment", "files")
    vault: ModelVaultConfig | None = None
    folder: str | None = None
    names: tuple[ModelSecretNames, ...] = ()
    cache_ms: Milliseconds = 60_000
    refresh_ms: Milliseconds | None = 60_000

    def names_in(self, place: SecretPlace) -> dict[str, str | None]:
        """The secrets that are called otherwise in a place, by reference; None: not looked for there."""
        return {each.reference: getattr(each, place) for each in self.names if place in each.model_fields_set}


def check_secrets(section: Section, findings: Findings) -> None:
    """Reports a Vault that is not configured or not asked, and what stands twice."""
    vault, order = section.child("vault"), section.child("order")
    if vault.value is not None:
        check_vault(vault, findings)
    places = order.value if isinstance(order.value, list) else []
    if "vault" in places and vault.value is None:
        refusal = Refusal(
            f"{dotted(order.home.path)} has vault, and no Vault is configured",
            None,
            "Add `vault`, or take it out of the order",
        )
        findings.add(order.home, refusal)
    if places and vault.value is not None and "vault" not in places:
        refusal = Refusal(
            f"{dotted(vault.home.path)} is never asked", None, "Put vault into the order, or remove it"
        )
        findings.add(vault.home, refusal, at_key=True, severity="warning")
    _refuse_twice([(order.child(index), place) for index, place in enumerate(places)], findings)
    names = section.child("names").items()
    _refuse_twice([(each.child("reference"), each.mapping().get("reference")) for each in names], findings)


def _refuse_twice(given: list[tuple[Section, object]], findings: Findings) -> None:
    seen: set[str] = set()
    for section, name in given:
        if isinstance(name, str) and name in seen:
            refusal = Refusal(
                f"{dotted(section.home.path)} is there already: '{name}'", None, "Remove one of the two"
            )
            findings.add(section.home, refusal)
        seen.add(str(name))
