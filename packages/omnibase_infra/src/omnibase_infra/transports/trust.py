"""Which certificate authorities a client trusts: those that the contract names, or the system's."""

import ssl
from contextlib import suppress


def verifying(ca_file: str | None) -> ssl.SSLContext:
    """A client's context that checks certificates and names, of TLS 1.2 at the least; reads files.

    Neither SSL_CERT_FILE and SSL_CERT_DIR nor SSLKEYLOGFILE of the environment count, which Python's own default
    context would follow: without `ca_file` the places that OpenSSL was built with are trusted. Raises OSError.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
        return context
    built_in = ssl.get_default_verify_paths()
    with suppress(FileNotFoundError):  # a system has a file, or a folder, or both
        context.load_verify_locations(cafile=built_in.openssl_cafile)
    context.load_verify_locations(capath=built_in.openssl_capath)
    return context
