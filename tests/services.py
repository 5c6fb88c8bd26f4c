"""What a test needs besides Python: skipped where it is missing, with the reason; a failure in CI.

A run downloads and builds nothing: it starts what `uv run python -m tools.services fetch NAME` has fetched.
What servers are made of is imported when a test asks for one: core's own tests run where none of it is installed.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tools.services.base import Service
    from tools.services.consul import Consul
    from tools.services.kafka import Kafka
    from tools.services.vault import Vault


def require_service(name: str, available: bool, command: str) -> None:
    """Skips the test where the service `name` is not available; `command` is what makes it so.

    With ONEX_REQUIRE_SERVICES=1 the same is a failure: in CI nothing is left out in silence.
    """
    if available:
        return
    reason = f"needs {name}, which is not available here; get it with: {command}"
    if os.environ.get("ONEX_REQUIRE_SERVICES") == "1":
        pytest.fail(f"{reason} (ONEX_REQUIRE_SERVICES=1 makes this a failure)", pytrace=False)
    pytest.skip(reason)


def require(service: "Service") -> None:
    """Skips the test where this server of tools.services could not be started."""
    from tools.services.base import MissingError

    try:
        service.require()
    except MissingError as missing:
        require_service(missing.what, False, missing.command)


def standing(name: str, folder: Path) -> Iterator["Service"]:
    """The server that `up` has started, left as it is; else one for this run, which ends with it in any case."""
    from tools.services.registry import SERVICES, shared

    service = shared(name)
    require(service)
    if service.state == "running":
        yield service
        return
    service = SERVICES[name](folder)
    try:
        service.start(leashed=True)
        yield service
    finally:
        service.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Kafka"]:
    """The broker that tests share, which makes any topic that somebody asks for.

    Tests use topics and groups with names of their own; one that stops or kills brokers starts its own Kafka.
    """
    from tools.services.kafka import Kafka

    for service in standing("kafka", tmp_path_factory.mktemp("services") / "kafka"):
        assert isinstance(service, Kafka)
        yield service


@pytest.fixture(scope="session")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Vault"]:
    """The Vault that tests share: each uses paths and roles of its own; one that seals or stops starts its own."""
    from tools.services.vault import Vault

    for service in standing("vault", tmp_path_factory.mktemp("services") / "vault"):
        assert isinstance(service, Vault)
        yield service


@pytest.fixture(scope="session")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator["Consul"]:
    """The Consul agent that tests share, without ACLs: each uses services of its own name."""
    from tools.services.consul import Consul

    for service in standing("consul", tmp_path_factory.mktemp("services") / "consul"):
        assert isinstance(service, Consul)
        yield service
