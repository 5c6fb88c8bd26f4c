"""How a client connects: everything from the contract, nothing from the environment."""

import ssl
from typing import Literal, TypedDict

from aiokafka.abc import AbstractTokenProvider
from omnibase_core.contracts.kafka_config import ModelKafkaOptions, ModelKafkaSasl, ModelKafkaTls
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.secret import ModelSecretRef, Secret

from omnibase_infra.transports.trust import verifying

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
_TLS = ("SSL", "SASL_SSL")


class SecurityArguments(TypedDict, total=False):
    """What every connection takes to be encrypted and authenticated."""

    security_protocol: Protocol
    ssl_context: ssl.SSLContext
    sasl_mechanism: str
    sasl_plain_username: str
    sasl_plain_password: str
    sasl_oauth_token_provider: AbstractTokenProvider


def security_arguments(options: ModelKafkaOptions) -> SecurityArguments:
    """The arguments; reads certificate files. Raises ProtocolConfigurationError that names the file."""
    security = options.security
    arguments = SecurityArguments(security_protocol=security.protocol)
    if security.protocol in _TLS:
        arguments["ssl_context"] = _tls(security.ssl)
    if security.sasl is not None:
        _authenticate(arguments, security.sasl)
    return arguments


class _ConfiguredToken(AbstractTokenProvider):
    """The token of the contract's secret, for every connection."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        """The token itself."""
        return self._token


def _authenticate(arguments: SecurityArguments, sasl: ModelKafkaSasl) -> None:
    arguments["sasl_mechanism"] = sasl.mechanism
    if sasl.mechanism == "OAUTHBEARER":
        arguments["sasl_oauth_token_provider"] = _ConfiguredToken(_revealed(sasl.token))
    else:
        arguments["sasl_plain_username"] = sasl.username or ""
        arguments["sasl_plain_password"] = _revealed(sasl.password)


def _revealed(secret: Secret | ModelSecretRef | None) -> str:
    if isinstance(secret, Secret):
        return secret.reveal()
    raise ProtocolConfigurationError(
        "The bus is bound to a secret that was not resolved; resolve its binding first"
    )


def _tls(tls: ModelKafkaTls) -> ssl.SSLContext:
    try:
        context = verifying(tls.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise _unusable("ca_file", tls.ca_file, error) from None
    context.check_hostname = tls.check_hostname
    if tls.cert_file is not None:
        password = None if tls.key_password is None else _revealed(tls.key_password)
        try:
            # without a password of ours an encrypted key would be asked for on the terminal
            context.load_cert_chain(tls.cert_file, tls.key_file, password or "")
        except (OSError, ssl.SSLError) as error:
            raise _unusable("cert_file", tls.cert_file, error) from None
    return context


def _unusable(field: str, file: str | None, error: OSError) -> ProtocolConfigurationError:
    if isinstance(error, ssl.SSLError):
        why = "it holds no certificate, or its key is missing, of another certificate, or has another password"
    else:
        why = (error.strerror or "it cannot be read").lower()
    return ProtocolConfigurationError(
        f"event_bus, security.ssl.{field}: '{file}' cannot be used: {why}", details={"field": field}
    )
