"""Vault and Consul of tools.services: built once, started, stopped, started again with what they had."""

import json
from pathlib import Path

import pytest

from tests.services import require
from tools.services.__main__ import main
from tools.services.base import MissingError, ServiceError
from tools.services.consul import PROGRAM as CONSUL
from tools.services.consul import Consul
from tools.services.http_server import ask
from tools.services.vault import PROGRAM as VAULT
from tools.services.vault import Vault


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def go(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A `go` that does what the script says."""
    folder.mkdir()
    (folder / "go").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "go").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


_BUILDS = 'echo once >>"$0.log"; while [ "$1" != -o ]; do shift; done; mkdir -p "${2%/*}"; echo built >"$2"'


@pytest.mark.usefixtures("own_cache")
def test_a_program_is_built_once_for_each_state_of_its_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(tmp_path / "bin", _BUILDS, monkeypatch)
    with pytest.raises(MissingError, match=r"uv run python -m tools\.services build vault"):
        VAULT.require()
    for _ in range(2):
        assert main(["build", "vault"]) == 0
    VAULT.require()
    assert VAULT.path.read_text() == "built\n"
    assert (tmp_path / "bin" / "go.log").read_text() == "once\n"
    assert VAULT.path.parent != CONSUL.path.parent


def test_a_build_that_fails_leaves_nothing_and_says_why(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    go(tmp_path / "bin", "echo no route to host >&2; exit 1", monkeypatch)
    assert main(["build", "consul"]) == 1
    assert capsys.readouterr().err == "consul: consul could not be built; Go said:\nno route to host\n"
    assert [path for path in (own_cache / "onex-services").iterdir() if path.is_dir()] == []


@pytest.mark.usefixtures("own_cache")
def test_without_go_the_way_to_get_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingError, match=r"Go, which builds the server, is missing.*apt-get install golang"):
        VAULT.build()


@pytest.mark.parametrize("name", ["vault", "consul"])
def test_up_twice_is_one_server_and_down_forgets_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    require(Vault(tmp_path) if name == "vault" else Consul(tmp_path))
    built = (VAULT if name == "vault" else CONSUL).path
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    own = (VAULT if name == "vault" else CONSUL).path
    own.parent.mkdir(parents=True)
    own.symlink_to(built)

    def said(action: str) -> tuple[int, dict[str, str]]:
        code = main([action, name, "--json"])
        return code, json.loads(capsys.readouterr().out)[name]

    try:
        first = said("up")
        assert first == said("up") == said("status")
        assert first[0] == 0
        assert first[1]["state"] == "running"
        assert first[1]["address"].startswith("http://127.0.0.1:")
        assert ("token" in first[1]) == (name == "vault")
    finally:
        assert said("down") == (0, {"state": "stopped"})
    assert said("status") == (1, {"state": "stopped"})


def test_a_vault_keeps_its_data_through_a_crash_and_is_unsealed_again(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    require(vault)
    with pytest.raises(ServiceError, match="never started"):
        vault.connection()
    try:
        vault.start(leashed=True)
        vault.ask("POST", "secret/data/a", {"data": {"value": "one"}})
        vault.kill()
        assert vault.state == "stopped"
        vault.start()
        assert vault.ask("GET", "secret/data/a")["data"]
        vault.seal()
        assert vault.state == "silent"
        vault.unseal()
        with pytest.raises(ServiceError, match="Vault answered 404 to GET secret/data/b"):
            vault.ask("GET", "secret/data/b")
        vault.freeze()
        vault.thaw()
        assert vault.state == "running"
    finally:
        vault.stop()
    assert not vault.folder.exists()


def test_a_consul_with_acls_denies_what_no_token_permits(tmp_path: Path) -> None:
    consul = Consul(tmp_path / "consul", acl=True)
    require(consul)
    try:
        consul.start(leashed=True)
        assert "token" in consul.connection()
        assert ask("PUT", f"{consul.address}/v1/agent/service/register", {"name": "a"})[0] == 403
        consul.ask("PUT", "agent/service/register", {"name": "a"})
        with pytest.raises(ServiceError, match="Consul answered 404"):
            consul.ask("PUT", "agent/service/deregister/none")
    finally:
        consul.stop()
