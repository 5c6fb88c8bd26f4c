"""The `secrets` of a runtime contract."""

import pytest
from omnibase_core.contracts.load import LoadedContract

from tests.core.contracts.contracts_on_hand import load, messages, runtime_text

VAULT = 'vault: {address: "https://vault.example.com", approle: {role_id: "r", secret_id: {secret_ref: "v/id"}}}'


def loaded(secrets: str) -> LoadedContract:
    return load(runtime_text(more=f"  secrets: {secrets}\n"))


def test_without_the_section_environment_and_files_are_looked_at_every_minute() -> None:
    secrets = load(runtime_text()).require().secrets
    assert (secrets.vault, secrets.refresh_ms, secrets.cache_ms) == (None, 60_000, 60_000)


def test_a_vault_is_configured_as_a_handler_is() -> None:
    secrets = loaded(f"{{{VAULT}, refresh_ms: null}}").require().secrets
    assert secrets.vault is not None
    assert secrets.vault.mount == "secret"
    assert secrets.order == ("vault", "environment", "files")
    assert secrets.refresh_ms is None


def test_a_name_that_is_null_is_told_from_one_that_is_left_out() -> None:
    secrets = (
        loaded('{names: [{reference: "a#b", environment: null}, {reference: "c", files: x}]}').require().secrets
    )
    assert secrets.names_in("environment") == {"a#b": None}
    assert secrets.names_in("files") == {"c": "x"}
    assert secrets.names_in("vault") == {}


@pytest.mark.parametrize(
    ("secrets", "said"),
    [
        ("{order: [vault]}", "runtime.secrets.order has vault, and no Vault is configured"),
        ("{order: [files, files]}", "runtime.secrets.order[1] is there already: 'files'"),
        ("{order: [nowhere]}", "Unknown order 'nowhere'"),
        ("{order: []}", "runtime.secrets.order must be a list of at least 1"),
        (
            '{names: [{reference: "a"}, {reference: "a"}]}',
            "runtime.secrets.names[1].reference is there already: 'a'",
        ),
        ('{names: [{reference: "../a b"}]}', "runtime.secrets.names[0].reference is not valid"),
        ("{colour: red}", "Unknown field 'colour' in runtime.secrets"),
        ('{vault: {address: "vault"}}', "runtime.secrets.vault.address"),
        ('{vault: {address: "https://v", token: "hunter2"}}', "Literal secret in runtime.secrets.vault.token"),
    ],
)
def test_what_cannot_be_is_refused(secrets: str, said: str) -> None:
    found = loaded(secrets)
    assert found.runtime is None
    assert [message for message in messages(found) if message.startswith(said)]
    assert "hunter2" not in str(found.problems)


def test_a_vault_that_is_never_asked_is_a_warning() -> None:
    (problem,) = loaded(f"{{order: [files], {VAULT}}}").problems
    assert (problem.severity, problem.message) == ("warning", "runtime.secrets.vault is never asked")
