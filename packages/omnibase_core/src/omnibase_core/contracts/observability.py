"""The `observability` of a runtime contract: probes, logs, traces, and when a host counts as stuck."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from omnibase_core import urls
from omnibase_core.contracts.check_http import check_headers, check_text
from omnibase_core.contracts.findings import Findings, Section
from omnibase_core.contracts.handler_config import Milliseconds, SecretField
from omnibase_core.secret import ModelSecretRef


class ModelAdminListener(BaseModel):
    """The HTTP server for probes, metrics and people. port: 0 takes any free one.

    console_token: of the console, which is off without one unless the server listens at loopback.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    enabled: bool = True
    address: Annotated[str, Field(min_length=1, max_length=253)] = "0.0.0.0"  # noqa: S104 - probes come from outside
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    console_token: ModelSecretRef | None = None


LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
LoggerName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=200)]


class ModelLogs(BaseModel):
    """From which level on a host logs; `--log-level` wins. Both are read again at SIGHUP.

    level: of every logger that `levels` does not name; null: INFO.
    levels: by logger, those below it included.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    level: LogLevel | None = None
    levels: dict[LoggerName, LogLevel] = Field(default_factory=dict)


class ModelTraces(BaseModel):
    """Where the spans of a host go: a receiver of OTLP over HTTP. Needs the extra `otel` of omnibase-infra.

    endpoint: its base URL; `/v1/traces` is put behind it.
    headers: sent with every export; a value is text or a secret reference, which is read at the start.
    ca_file: PEM file with the certificate authorities to trust instead of the system's.
    service_name: of the spans' resource; null: the host's name.
    sample_ratio: the share of traces that are kept, of those that begin here; a sender's decision holds.
    timeout_ms: of one export.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    endpoint: str
    headers: dict[str, str | SecretField] = Field(default_factory=dict)
    ca_file: str | None = None
    service_name: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    sample_ratio: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    timeout_ms: Milliseconds = 5_000


class ModelObservability(BaseModel):
    """What a host shows of itself.

    logs: how much it logs.
    stall_ms: after so long without an outcome, though there is work and no reason to wait, it is not live.
    traces: null: none are made.
    """

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid")

    http: ModelAdminListener = ModelAdminListener.model_construct()
    logs: ModelLogs = ModelLogs.model_construct()
    stall_ms: Milliseconds = 120_000
    traces: ModelTraces | None = None


def check_observability(section: Section, findings: Findings) -> None:
    """Reports an endpoint or headers that a host would refuse at its start."""
    traces = section.child("traces")
    check_text(traces.child("endpoint"), urls.parse_base, "Correct the URL", findings)
    check_headers(traces.child("headers"), findings)
