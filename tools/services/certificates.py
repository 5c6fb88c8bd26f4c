"""Certificates for the servers' listeners and their clients, by an authority of their own."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)


def write_certificates(folder: Path) -> None:
    """Writes `ca.pem`, and key and certificate of `broker`, `client` and `expired`.

    `NAME.pem` holds both, `NAME-key.pem` and `NAME-cert.pem` one each. `other-ca.pem` has signed nothing here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other-ca.pem")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    _write(folder, "broker", authority.issue_cert("127.0.0.1", "localhost", common_name="broker"))
    _write(folder, "client", authority.issue_cert("client.example", common_name="client"))
    expired = authority.issue_cert(
        "127.0.0.1",
        "localhost",
        common_name="expired",
        not_before=yesterday - timedelta(days=1),
        not_after=yesterday,
    )
    _write(folder, "expired", expired)


def _write(folder: Path, name: str, issued: trustme.LeafCert) -> None:
    key = load_pem_private_key(issued.private_key_pem.bytes(), password=None)
    # Java reads no other form of a private key.
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
    (folder / f"{name}-key.pem").write_bytes(pem)
    (folder / f"{name}-cert.pem").write_bytes(chain)
    (folder / f"{name}.pem").write_bytes(pem + chain)
