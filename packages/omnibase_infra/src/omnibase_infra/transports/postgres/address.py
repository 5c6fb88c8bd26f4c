"""A DSN taken apart: every argument of a connection is said, so that the driver asks the environment for none."""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.secret import Secret

from omnibase_infra.transports.trust import verifying

_FORM: Final = "postgresql://user:password@host:port/database"
_REFUSED: Final = frozenset({"service", "passfile", "target_session_attrs", "sslcrl", "krbsrvname", "gsslib"})
_MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")

Tls = ssl.SSLContext | Literal[False, "prefer"]


@dataclass(frozen=True, repr=False)
class PostgresAddress:
    """Where the database is and who we are there. It holds the password, and has no repr of its fields.

    tls: False for none, a context where the DSN demands TLS, `prefer` where the server may choose.
    settings: what further options of the DSN tell the server (`search_path`, `application_name`, …).
    """

    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    user: str
    database: str
    tls: Tls
    password: Secret = field(default_factory=lambda: Secret(""))
    settings: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "PostgresAddress(…)"


def read_dsn(dsn: Secret) -> PostgresAddress:
    """Takes a DSN apart, and reads the certificates that it names (which blocks: call it while initialising).

    Raises ProtocolConfigurationError, which says what is wrong with the DSN and never shows any of it.
    """
    try:
        parts = urlsplit(dsn.reveal())
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        hosts, ports = _hosts(parts.netloc.rpartition("@")[2], options.pop("host", ""), options.pop("port", ""))
    except ValueError:
        raise _wrong("it cannot be parsed; percent-encode special characters of the password") from None
    if parts.scheme not in ("postgresql", "postgres") or parts.fragment:
        raise _wrong("it cannot be parsed; percent-encode special characters of the password")
    refused = sorted(_REFUSED & options.keys())
    if refused:
        raise _wrong(f"the option '{refused[0]}' is not supported")
    user = options.pop("user", user)
    if not user:
        raise _wrong("it names no user")
    password = options.pop("password", password)
    database = options.pop("dbname", "") or unquote(parts.path.removeprefix("/")) or user
    tls = _tls(options.pop, local=all(host.startswith("/") for host in hosts))
    return PostgresAddress(hosts, ports, user, database, tls, Secret(password), options)


def _hosts(netloc: str, host: str, port: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Hosts and ports: those of the authority, which may list several, or of the options `host` and `port`."""
    listed = [] if host else [part for part in netloc.split(",") if part]
    if not listed:
        names = [part for part in host.split(",") if part]
        return tuple(names), tuple(int(port or 5432) for _ in names)
    split = [urlsplit(f"//{part}") for part in listed]
    return tuple(part.hostname or "" for part in split), tuple(part.port or int(port or 5432) for part in split)


def _tls(pop: Callable[[str, str], str], *, local: bool) -> Tls:
    mode = pop("sslmode", "prefer")
    authorities, certificate, key = pop("sslrootcert", ""), pop("sslcert", ""), pop("sslkey", "")
    if mode not in _MODES:
        raise _wrong(f"sslmode is none of {', '.join(_MODES)}")
    if local or mode == "disable":
        return False
    if mode in ("allow", "prefer"):
        return "prefer"
    try:
        context = encrypting() if mode == "require" and not authorities else verifying(authorities or None)
        context.check_hostname = mode == "verify-full"
        if certificate:
            context.load_cert_chain(certificate, key or None, password="")
    except OSError:
        raise _wrong("a file that sslrootcert, sslcert or sslkey names cannot be read as PEM") from None
    return context


def encrypting() -> ssl.SSLContext:
    """TLS that hides the traffic and trusts whoever answers: what `sslmode=require` asks for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _wrong(what: str) -> ProtocolConfigurationError:
    return ProtocolConfigurationError(f"The db handler's dsn is not usable: {what}; its form is {_FORM}")
