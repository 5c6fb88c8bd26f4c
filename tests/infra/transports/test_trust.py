"""Whom a client trusts, whatever the environment says."""

import asyncio
import ssl
from pathlib import Path

import pytest
from omnibase_infra.transports.trust import verifying

from tests.fakes.http_server import HttpServer, replying
from tests.infra.transports.conftest import Authority


async def connected(server: HttpServer, context: ssl.SSLContext) -> bool:
    """Whether the server's certificate is accepted."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=context)
    except ssl.SSLCertVerificationError:
        return False
    writer.close()
    await writer.wait_closed()
    return True


def test_certificates_and_names_are_checked() -> None:
    context = verifying(None)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.asyncio
async def test_the_environment_changes_neither_trust_nor_who_learns_the_keys(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    async with HttpServer(replying(200), tls=authority.server) as server:
        assert not await connected(server, verifying(None))
        assert await connected(server, verifying(authority.ca_file))
        assert not (tmp_path / "keys").exists()
        assert await connected(server, ssl.create_default_context())  # which would have followed it


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        verifying(str(tmp_path / "none.pem"))
