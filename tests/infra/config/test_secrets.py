"""Where secrets are looked for, and what is said when they are nowhere."""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omnibase_core.contracts.secrets_config import ModelSecrets
from omnibase_core.errors import SecretResolutionError
from omnibase_core.secret import ModelSecretRef, Secret
from omnibase_infra.config.secret_files import MAX_SECRET_BYTES, Absent
from omnibase_infra.config.secrets import (
    EnvironmentSecrets,
    FileSecrets,
    SecretResolver,
    SecretSource,
    environment_name,
)

CANARY = "c4n4ry-s3cr3t"


def ref(text: str) -> ModelSecretRef:
    return ModelSecretRef(secret_ref=text)


def mounted(folder: Path, files: Mapping[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).write_text(content)
    return folder


async def text_of(source: SecretSource, reference: str) -> str:
    found = await source.find(ref(reference))
    return found.reveal() if isinstance(found, Secret) else f"absent: {found.reason}"


@pytest.mark.parametrize(
    ("reference", "variable"),
    [
        ("orders/db_dsn", "ONEX_SECRET_ORDERS_DB_DSN"),
        ("orders/db#password", "ONEX_SECRET_ORDERS_DB_PASSWORD"),
        ("orders/db#password@3", "ONEX_SECRET_ORDERS_DB_PASSWORD"),
        ("token@12", "ONEX_SECRET_TOKEN"),
        ("a-b.c/D9", "ONEX_SECRET_A_B_C_D9"),
    ],
)
def test_a_reference_names_its_variable_by_path_and_key_without_the_version(reference: str, variable: str) -> None:
    assert environment_name(ref(reference)) == variable


@given(st.from_regex(r"[A-Za-z0-9_-]{1,9}(/[A-Za-z0-9_-]{1,9}){0,3}(#[A-Za-z0-9._-]{1,9})?", fullmatch=True))
def test_every_reference_has_a_variable_that_any_shell_can_set(reference: str) -> None:
    assert re.fullmatch(r"[A-Z][A-Z0-9_]*", environment_name(ref(reference)), flags=re.ASCII)


@pytest.mark.asyncio
async def test_the_environment_comes_before_files(tmp_path: Path) -> None:
    environment = {
        "ONEX_SECRET_TOKEN": "from-environment",
        "ONEX_SECRETS_DIR": str(mounted(tmp_path, {"token": "from-file"})),
    }
    assert (await SecretResolver.of_environment(environment).get_secret("token")).reveal() == "from-environment"


@pytest.mark.asyncio
async def test_a_file_answers_where_the_variable_is_not_set(tmp_path: Path) -> None:
    resolver = SecretResolver.of_environment({"ONEX_SECRETS_DIR": str(mounted(tmp_path, {"token": "from-file"}))})
    assert (await resolver.get_secret("token")).reveal() == "from-file"


@pytest.mark.asyncio
async def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    environment = {"ONEX_SECRET_TOKEN": "", "ONEX_SECRETS_DIR": str(mounted(tmp_path, {"token": "from-file"}))}
    assert (await SecretResolver.of_environment(environment).get_secret("token")).reveal() == "from-file"


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({}, "file /run/secrets/no/such/secret (no such file)"),
        ({"ONEX_SECRETS_DIR": "/nowhere/at/all"}, "file /nowhere/at/all/no/such/secret (no such file)"),
    ],
)
@pytest.mark.asyncio
async def test_the_folder_is_run_secrets_unless_the_environment_names_one(
    environment: Mapping[str, str], place: str
) -> None:
    with pytest.raises(SecretResolutionError) as caught:
        await SecretResolver.of_environment(environment).get_secret("no/such/secret")
    assert place in caught.value.message


@pytest.mark.asyncio
async def test_an_empty_folder_name_means_that_no_files_are_looked_at() -> None:
    with pytest.raises(SecretResolutionError) as caught:
        await SecretResolver.of_environment({"ONEX_SECRETS_DIR": ""}).get_secret("token")
    assert "file" not in caught.value.message.partition("looked at: ")[2]


def test_a_relative_folder_is_shown_as_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = asyncio.run(FileSecrets(Path("mounted")).find(ref("token")))
    assert isinstance(found, Absent)
    assert found.place == f"file {tmp_path}/mounted/token"


class TestFiles:
    @pytest.mark.asyncio
    async def test_a_key_is_a_file_in_the_folder_of_its_path(self, tmp_path: Path) -> None:
        (tmp_path / "orders/db").mkdir(parents=True)
        mounted(tmp_path / "orders/db", {"password": "hidden"})
        assert await text_of(FileSecrets(tmp_path), "orders/db#password@3") == "hidden"

    @pytest.mark.parametrize(
        ("content", "secret"),
        [
            ("s", "s"),
            ("s\n", "s"),
            ("s\r\n", "s"),
            ("s\n\n", "s\n"),
            (" s ", " s "),
            ("a\nb\n", "a\nb"),
            ("ü\n", "ü"),
        ],
    )
    @pytest.mark.asyncio
    async def test_one_line_end_at_the_end_is_not_part_of_the_secret(
        self, tmp_path: Path, content: str, secret: str
    ) -> None:
        (tmp_path / "token").write_bytes(content.encode())
        assert await text_of(FileSecrets(tmp_path), "token") == secret

    @pytest.mark.asyncio
    async def test_links_are_followed_because_kubernetes_mounts_secrets_as_links(self, tmp_path: Path) -> None:
        (tmp_path / "..2026_01_01").mkdir()
        mounted(tmp_path / "..2026_01_01", {"token": "linked"})
        (tmp_path / "..data").symlink_to("..2026_01_01")
        (tmp_path / "token").symlink_to("..data/token")
        assert await text_of(FileSecrets(tmp_path), "token") == "linked"

    @pytest.mark.asyncio
    async def test_a_rotated_file_is_read_anew(self, tmp_path: Path) -> None:
        source = FileSecrets(mounted(tmp_path, {"token": "old"}))
        assert await text_of(source, "token") == "old"
        mounted(tmp_path, {"token": "new"})
        assert await text_of(source, "token") == "new"

    @pytest.mark.asyncio
    async def test_the_largest_secret_is_taken_and_one_byte_more_is_not(self, tmp_path: Path) -> None:
        mounted(tmp_path, {"largest": "x" * MAX_SECRET_BYTES, "larger": "x" * (MAX_SECRET_BYTES + 1)})
        assert len(await text_of(FileSecrets(tmp_path), "largest")) == MAX_SECRET_BYTES
        assert await text_of(FileSecrets(tmp_path), "larger") == "absent: larger than 65536 bytes"

    @pytest.mark.parametrize(
        ("reference", "reason"),
        [
            ("missing", "no such file"),
            ("token/below", "no such file"),
            ("folder", "a folder; name one of its files as path#key"),
            ("folder#..", "a folder; name one of its files as path#key"),
            ("pipe", "no regular file"),
            ("binary", "not UTF-8"),
            ("empty", "empty"),
            ("newline", "empty"),
            ("loop", "its links form a circle"),
            ("n" * 300, "the name is too long for a file"),
        ],
    )
    @pytest.mark.asyncio
    async def test_what_holds_no_secret_says_why(self, tmp_path: Path, reference: str, reason: str) -> None:
        mounted(tmp_path, {"token": "t", "empty": "", "newline": "\n"})
        (tmp_path / "binary").write_bytes(b"\xff\xfe")
        (tmp_path / "folder").mkdir()
        os.mkfifo(tmp_path / "pipe")
        (tmp_path / "loop").symlink_to("loop")
        assert await text_of(FileSecrets(tmp_path), reference) == f"absent: {reason}"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    @pytest.mark.asyncio
    async def test_a_file_without_permission_says_so(self, tmp_path: Path) -> None:
        mounted(tmp_path, {"token": CANARY})
        (tmp_path / "token").chmod(0)
        assert await text_of(FileSecrets(tmp_path), "token") == "absent: permission denied"


@pytest.mark.asyncio
async def test_bytes_of_the_environment_that_are_not_utf8_are_no_secret() -> None:
    source = EnvironmentSecrets({"ONEX_SECRET_TOKEN": "caf\udce9"})
    assert await text_of(source, "token") == "absent: not UTF-8"


@pytest.mark.asyncio
async def test_several_secrets_come_by_the_text_of_their_references() -> None:
    resolver = SecretResolver([EnvironmentSecrets({"ONEX_SECRET_A": "1", "ONEX_SECRET_B_K": "2"})])
    found = await resolver.get_secrets(["a", ref("b#k@7")])
    assert {name: secret.reveal() for name, secret in found.items()} == {"a": "1", "b#k@7": "2"}


@pytest.mark.asyncio
async def test_all_missing_secrets_are_named_at_once_with_every_place_and_no_value(tmp_path: Path) -> None:
    mounted(tmp_path, {"large": CANARY * 9_999})
    environment = {"ONEX_SECRET_PRESENT": CANARY, "ONEX_SECRETS_DIR": str(tmp_path)}
    with pytest.raises(SecretResolutionError) as caught:
        await SecretResolver.of_environment(environment).get_secrets(["present", "orders/dsn", "large"])
    assert caught.value.message == (
        "2 secrets are missing; put it into a place that is named here:\n"
        f"  no secret 'orders/dsn'; looked at: environment variable ONEX_SECRET_ORDERS_DSN (not set); "
        f"file {tmp_path}/orders/dsn (no such file)\n"
        f"  no secret 'large'; looked at: environment variable ONEX_SECRET_LARGE (not set); "
        f"file {tmp_path}/large (larger than 65536 bytes)"
    )
    assert caught.value.details["missing"] == [
        {
            "reference": "orders/dsn",
            "places": [
                "environment variable ONEX_SECRET_ORDERS_DSN (not set)",
                f"file {tmp_path}/orders/dsn (no such file)",
            ],
        },
        {
            "reference": "large",
            "places": [
                "environment variable ONEX_SECRET_LARGE (not set)",
                f"file {tmp_path}/large (larger than 65536 bytes)",
            ],
        },
    ]
    assert CANARY not in repr(caught.value)


@pytest.mark.parametrize("reference", ["../etc/passwd", "a/../b", "/etc/passwd", "a//b", "", "p@0", f"{CANARY}!"])
@pytest.mark.asyncio
async def test_what_is_no_reference_is_refused_without_repeating_it(tmp_path: Path, reference: str) -> None:
    with pytest.raises(SecretResolutionError, match=re.escape("path[#key][@version]")) as caught:
        await SecretResolver([FileSecrets(tmp_path)]).get_secret(reference)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.asyncio
async def test_a_resolver_without_places_says_so() -> None:
    with pytest.raises(SecretResolutionError, match="nowhere, for no place is configured"):
        await SecretResolver([]).get_secret("token")


class CountingSecrets(SecretSource):
    """Knows every secret, as its own reference, and notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def place(self, reference: ModelSecretRef) -> str:
        return "the counter"

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        self.asked.append(reference.secret_ref)
        return Secret(reference.secret_ref)


@pytest.mark.asyncio
async def test_further_sources_stand_before_the_others_and_are_asked_once_per_reference() -> None:
    first = CountingSecrets()
    resolver = SecretResolver([first, EnvironmentSecrets({"ONEX_SECRET_A": "later"})])
    assert (await resolver.get_secrets(["a", "b", "a"]))["a"].reveal() == "a"
    assert first.asked == ["a", "b"]


class BrokenPlace(SecretSource):
    """May have every secret, and cannot be asked."""

    def place(self, reference: ModelSecretRef) -> str:
        return "the vault"

    async def find(self, reference: ModelSecretRef) -> Secret | Absent:
        return Absent("the vault", "sealed", ends_search=True)


@pytest.mark.asyncio
async def test_no_later_place_answers_for_one_that_cannot_be_asked() -> None:
    resolver = SecretResolver([BrokenPlace(), EnvironmentSecrets({"ONEX_SECRET_A": "outdated"})])
    with pytest.raises(SecretResolutionError, match=r"no secret 'a'; looked at: the vault \(sealed\)$"):
        await resolver.get_secret("a")


@pytest.mark.asyncio
async def test_what_was_found_is_given_again_for_a_bounded_time() -> None:
    source, clock = CountingSecrets(), [0.0]
    resolver = SecretResolver([source], cache_s=10.0, now=lambda: clock[0])
    for now, asked in ((0.0, 1), (9.9, 1), (10.0, 2), (19.0, 2)):
        clock[0] = now
        await resolver.get_secret("a")
        assert len(source.asked) == asked
    await resolver.search(["a"], fresh=True)
    await resolver.close()
    await resolver.get_secret("a")
    assert len(source.asked) == 4


def contract_secrets(**fields: object) -> ModelSecrets:
    return ModelSecrets.model_validate(fields)


@pytest.mark.asyncio
async def test_the_order_of_places_is_the_contracts(tmp_path: Path) -> None:
    environment = {"ONEX_SECRET_TOKEN": "from-environment"}
    secrets = contract_secrets(order=("files", "environment"), folder=str(mounted(tmp_path, {"token": "file"})))
    resolver = SecretResolver.of_environment(environment, secrets)
    assert (await resolver.get_secret("token")).reveal() == "file"
    assert resolver.places("token") == (f"file {tmp_path}/token", "environment variable ONEX_SECRET_TOKEN")
    alone = contract_secrets(order=("environment",))
    assert SecretResolver.of_environment(environment, alone).places("token@3") == (
        "environment variable ONEX_SECRET_TOKEN",
    )


@pytest.mark.asyncio
async def test_a_secret_may_have_another_name_in_a_place_or_not_be_looked_for_there(tmp_path: Path) -> None:
    names = [
        {"reference": "db#dsn", "environment": "ORDERS_DSN", "files": "deep/dsn"},
        {"reference": "token", "environment": None},
    ]
    secrets = contract_secrets(names=names, folder=str(tmp_path))
    resolver = SecretResolver.of_environment({"ORDERS_DSN": "there"}, secrets)
    assert (await resolver.get_secret("db#dsn@7")).reveal() == "there"
    assert resolver.places("db#dsn")[1] == f"file {tmp_path}/deep/dsn"
    assert resolver.places("token") == (f"file {tmp_path}/token",)
