"""The `config` of each handler type: what a contract may say there, checked without loading a driver.

Secret fields hold a ModelSecretRef in a contract and a Secret once the host has resolved them.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from omnibase_core.contracts.operations import Isolation
from omnibase_core.secret import ModelSecretRef, Secret

SecretField = ModelSecretRef | Secret
Milliseconds = Annotated[int, Field(gt=0, le=86_400_000)]
TABLE_NAME: Final = r"^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$"


class ModelHandlerConfig(BaseModel):
    """What every handler's config has in common: closed, frozen, each field with its unit in its name."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ModelHttpConfig(ModelHandlerConfig):
    """The `http` handler.

    base_url: origin and path prefix that relative payload urls are put behind; its origin is allowed by itself.
    headers: sent to base_url's origin only; a value is text or a secret reference.
    allow: further origins (`scheme://host[:port]`) that payload urls may name, besides base_url's.
    allow_private: networks (CIDR) or host names whose private or loopback addresses may be connected to.
    connect_timeout_ms: to establish a connection. The total deadline is the binding's timeout_ms.
    max_response_bytes: bound on the decoded body.
    max_redirects: redirects followed for GET and HEAD, within the allow-list; 0 follows none.
    idempotency_key: sends `Idempotency-Key: <envelope id>` with POST, PUT, PATCH and DELETE, which makes an
        unanswered POST or PATCH retryable.
    max_connections: connections to all servers together.
    ca_file: PEM file with the certificate authorities to trust instead of the system's.
    health_path: a path behind base_url that health checks ask for.
    """

    base_url: str | None = None
    headers: dict[str, str | SecretField] = Field(default_factory=dict)
    allow: tuple[str, ...] = ()
    allow_private: tuple[str, ...] = ()
    connect_timeout_ms: Milliseconds = 5_000
    max_response_bytes: Annotated[int, Field(gt=0, le=64 * 1024 * 1024)] = 512 * 1024
    max_redirects: Annotated[int, Field(ge=0, le=20)] = 0
    idempotency_key: bool = True
    max_connections: Annotated[int, Field(gt=0, le=1_000)] = 100
    ca_file: str | None = None
    health_path: str | None = None


class ModelDbConfig(ModelHandlerConfig):
    """The `db` handler.

    dsn: `postgresql://user:password@host:port/database`, a secret reference always.
    pool_size: connections at the most; they are opened when first needed.
    acquire_timeout_ms: how long an operation waits for a free connection (POOL_EXHAUSTED then).
    statement_timeout_ms: per statement, told to the server too; null leaves it to the binding's timeout_ms.
    statement_cache_size: prepared statements kept per connection; 0 behind pgbouncer's transaction mode.
    max_rows: rows that one statement may return.
    isolation: of db.transaction where the payload names none.
    idempotency: `inbox` notes each request that writes in the transaction of its statements, so that it takes
        effect once however often it is delivered, and is answered with the same result again.
    inbox_table: where it is noted, `table` or `schema.table`; the host does not create it.
    inbox_retention_hours: how long; a request that comes again later takes effect again.
    """

    dsn: SecretField | None = None
    pool_size: Annotated[int, Field(gt=0, le=1_000)] = 10
    acquire_timeout_ms: Milliseconds = 5_000
    statement_timeout_ms: Milliseconds | None = None
    statement_cache_size: Annotated[int, Field(ge=0, le=10_000)] = 100
    max_rows: Annotated[int, Field(gt=0, le=1_000_000)] = 10_000
    isolation: Isolation = "read_committed"
    idempotency: Literal["none", "inbox"] = "none"
    inbox_table: Annotated[str, Field(pattern=TABLE_NAME)] = "onex_inbox"
    inbox_retention_hours: Annotated[int, Field(gt=0, le=87_600)] = 168


class ModelServerConfig(ModelHandlerConfig):
    """What a handler needs to know of the one server that it calls.

    address: origin of the server, and a path prefix where a proxy has one.
    connect_timeout_ms: to establish a connection. The total deadline is the binding's timeout_ms.
    max_response_bytes: bound on an answer.
    max_connections: connections at the most.
    ca_file: PEM file with the certificate authorities to trust instead of the system's.
    """

    address: str
    connect_timeout_ms: Milliseconds = 5_000
    max_response_bytes: Annotated[int, Field(gt=0, le=64 * 1024 * 1024)] = 512 * 1024
    max_connections: Annotated[int, Field(gt=0, le=1_000)] = 20
    ca_file: str | None = None


class ModelVaultAppRole(ModelHandlerConfig):
    """Login by AppRole.

    role_id: of the role; text or a secret reference.
    secret_id: the role's secret.
    mount: where the auth method is mounted.
    """

    role_id: str | SecretField
    secret_id: SecretField
    mount: str = "approle"


class ModelVaultKubernetes(ModelHandlerConfig):
    """Login by the pod's service account.

    role: of Vault's auth method.
    jwt_file: the token of the service account, which Kubernetes renews; it is read anew for each login.
    mount: where the auth method is mounted.
    """

    role: str
    jwt_file: str = "/var/run/secrets/kubernetes.io/serviceaccount/token"
    mount: str = "kubernetes"


class ModelVaultConfig(ModelServerConfig):
    """The `vault` handler: one KV v2 mount of one Vault, and one way to log in.

    token: a token, which is renewed as long as Vault does.
    approle: login by AppRole, anew where renewal ends.
    kubernetes: login by the pod's service account, anew where renewal ends.
    namespace: of Vault Enterprise.
    mount: where the KV v2 engine is mounted; payload paths are below it.
    allow: path prefixes, in whole segments, that payloads may name; empty allows all of the mount.
    """

    token: SecretField | None = None
    approle: ModelVaultAppRole | None = None
    kubernetes: ModelVaultKubernetes | None = None
    namespace: str | None = None
    mount: str = "secret"
    allow: tuple[str, ...] = ()


class ModelConsulConfig(ModelServerConfig):
    """The `consul` handler: the agent that services are registered at and asked for.

    token: of the agent's ACL.
    datacenter: that is asked; null: the agent's own.
    """

    token: SecretField | None = None
    datacenter: str | None = None
