"""A certificate authority of the tests' own, and a server certificate of it for localhost and 127.0.0.1."""

import shutil
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_NAMES = "subjectAltName=DNS:localhost,DNS:service.example,IP:127.0.0.1"


@dataclass(frozen=True)
class Authority:
    """ca_file: what a client trusts. server: the context of a server that it vouches for."""

    ca_file: str
    server: ssl.SSLContext


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Made by the openssl command, for one run."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not here to make certificates with")
    folder = tmp_path_factory.mktemp("tls")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    _openssl(folder, ["req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=tests"])
    signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-addext", _NAMES, "-addext", "basicConstraints=CA:FALSE"]
    _openssl(
        folder,
        ["req", "-x509", *key, "-keyout", "server.key", "-out", "server.pem", "-subj", "/CN=localhost", *signed],
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    return Authority(str(folder / "ca.pem"), server)


def _openssl(folder: Path, arguments: list[str]) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607
