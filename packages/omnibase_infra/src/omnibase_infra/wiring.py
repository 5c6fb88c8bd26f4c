"""The composition root: the one place that names concrete handlers and buses (I6).

A driver is imported by the factory of its handler, so only when a contract configures it.
Over 300 lines because every concrete class is named here and nowhere else.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from omnibase_core.contracts.bindings import (
    ModelBusOptions,
    ModelEventBusBinding,
    ModelHandlerBinding,
    ModelRetryPolicy,
    ModelTopics,
    default_on_open,
)
from omnibase_core.contracts.handler_config import ModelDbConfig, ModelHttpConfig
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.contracts.runtime_host import ModelNodeEntry, ModelRuntimeHostContract
from omnibase_core.enums import EnumHandlerType
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import ProtocolConfigurationError
from omnibase_core.topics import local_topics
from omnibase_spi.event_bus import ProtocolEventBus
from omnibase_spi.handler import ProtocolHandler
from pydantic import JsonValue

from omnibase_infra.config.handlers import resolve_bus
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.guard import Guard, longest_timeout_ms
from omnibase_infra.host.assembly import traces_of
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts
from omnibase_infra.host.upkeep import Upkeep
from omnibase_infra.telemetry.meter import BusMeter

if TYPE_CHECKING:
    from omnibase_core.contracts.kafka_config import ModelKafkaOptions
    from omnibase_spi.topic_log import ProtocolTopicLog

    from omnibase_infra.event_bus.kafka.plan import PlannedTopic
    from omnibase_infra.transports.consul import ConsulClient
    from omnibase_infra.transports.scripted import Cue


def _http(clock: Clock) -> ProtocolHandler:
    from omnibase_infra.handlers.http_handler import HttpHandler
    from omnibase_infra.transports.http import HttpTransport

    return HttpHandler(HttpTransport, clock.now)


def _db(clock: Clock) -> ProtocolHandler:
    from omnibase_infra.handlers.db_handler import DbHandler
    from omnibase_infra.transports.postgres import Postgres

    return DbHandler(Postgres, clock.now)


def _vault(clock: Clock) -> ProtocolHandler:
    from omnibase_infra.handlers.vault_handler import VaultHandler
    from omnibase_infra.transports.vault import VaultClient

    return VaultHandler(VaultClient, clock.now)


def _consul(clock: Clock) -> ProtocolHandler:
    from omnibase_infra.handlers.consul_handler import ConsulHandler
    from omnibase_infra.transports.consul import ConsulClient

    return ConsulHandler(ConsulClient, clock.now)


def _scripted_http(clock: Clock, cue: "Cue") -> ProtocolHandler:
    from omnibase_infra.handlers.http_handler import HttpHandler
    from omnibase_infra.transports.http.scripted import ScriptedHttp

    return HttpHandler(lambda config, _: ScriptedHttp(config, cue=cue), clock.now)


def _scripted_db(clock: Clock, cue: "Cue") -> ProtocolHandler:
    from omnibase_infra.handlers.db_handler import DbHandler
    from omnibase_infra.transports.postgres.scripted import ScriptedPostgres

    return DbHandler(lambda config, _: ScriptedPostgres(config, cue=cue), clock.now)


def _scripted_vault(clock: Clock, cue: "Cue") -> ProtocolHandler:
    from omnibase_infra.handlers.vault_handler import VaultHandler
    from omnibase_infra.transports.vault.scripted import ScriptedVault

    return VaultHandler(lambda config, _: ScriptedVault(config, cue=cue), clock.now)


def _scripted_consul(clock: Clock, cue: "Cue") -> ProtocolHandler:
    from omnibase_infra.handlers.consul_handler import ConsulHandler
    from omnibase_infra.transports.consul.scripted import ScriptedConsul

    return ConsulHandler(lambda config, _: ScriptedConsul(config, cue=cue), clock.now)


def _inmemory(_: BusMeter) -> ProtocolEventBus:
    from omnibase_infra.event_bus.inmemory import InMemoryEventBus

    return InMemoryEventBus()


def _kafka(meter: BusMeter) -> ProtocolEventBus:
    from omnibase_infra.event_bus.kafka.bus import KafkaEventBus

    return KafkaEventBus(meter)


def _kafka_log(binding: ModelEventBusBinding, resolver: SecretResolver) -> "ProtocolTopicLog":
    from omnibase_infra.event_bus.kafka.topic_log import KafkaTopicLog

    return KafkaTopicLog(binding, resolver)


_STALL_MARGIN_MS: Final = 10_000
HANDLERS: Final[Mapping[EnumHandlerType, Callable[[Clock], ProtocolHandler]]] = MappingProxyType(
    {
        EnumHandlerType.HTTP: _http,
        EnumHandlerType.DB: _db,
        EnumHandlerType.VAULT: _vault,
        EnumHandlerType.CONSUL: _consul,
    }
)
SCRIPTED: Final[Mapping[EnumHandlerType, "Callable[[Clock, Cue], ProtocolHandler]"]] = MappingProxyType(
    {
        EnumHandlerType.HTTP: _scripted_http,
        EnumHandlerType.DB: _scripted_db,
        EnumHandlerType.VAULT: _scripted_vault,
        EnumHandlerType.CONSUL: _scripted_consul,
    }
)
BUSES: Final[Mapping[str, Callable[[BusMeter], ProtocolEventBus]]] = MappingProxyType(
    {"inmemory": _inmemory, "kafka": _kafka}
)
TOPIC_LOGS: Final[Mapping[str, "Callable[[ModelEventBusBinding, SecretResolver], ProtocolTopicLog]"]] = (
    MappingProxyType({"kafka": _kafka_log})
)


def _foreseen_http(binding: ModelHandlerBinding, envelope: ModelOnexEnvelope) -> JsonObject:
    from omnibase_infra.handlers.http_request import OPERATIONS, RequestBuilder
    from omnibase_infra.transports.egress import Egress

    config = binding.config
    assert isinstance(config, ModelHttpConfig)
    egress = Egress(config.base_url, config.allow, config.allow_private)
    builder = RequestBuilder(egress.base, config.headers, config.idempotency_key)
    operation = next(name for name in OPERATIONS if name == envelope.operation)
    request = builder.build(operation, envelope)
    egress.check_origin(request.url.origin)
    headers: list[JsonValue] = [name for name, _ in request.headers]
    return {
        "method": request.method,
        "url": request.url.text,
        "headers": headers + [name.lower() for name in config.headers],
        "body_bytes": len(request.content or b""),
    }


def _foreseen_db(binding: ModelHandlerBinding, envelope: ModelOnexEnvelope) -> JsonObject:
    from omnibase_infra.handlers.db_handler import statements_of

    statements = statements_of(envelope)
    return {"statements": [{"sql": each.sql, "parameters": len(each.parameters)} for each in statements]}


def _foreseen_served(binding: ModelHandlerBinding, envelope: ModelOnexEnvelope) -> JsonObject:
    from omnibase_infra.handlers.served import Served

    handler = handler_of(binding, Clock())
    assert isinstance(handler, Served)
    return {"method": envelope.operation, "url": handler.foreseen(binding.config, envelope)}


def foreseen(binding: ModelHandlerBinding, envelope: ModelOnexEnvelope) -> JsonObject:
    """What a handler would send for a request, told by its own rules from the payload alone: nothing is opened.

    http: `method`, `url`, the names of `headers`, `body_bytes`. db: `statements`, each `sql` and its number of
    `parameters`. vault, consul: the operation as `method`, a path or service as `url`. Raises the
    RuntimeHostError that the handler would raise before it sends anything.
    """
    own = {EnumHandlerType.HTTP: _foreseen_http, EnumHandlerType.DB: _foreseen_db}
    return own.get(binding.type, _foreseen_served)(binding, envelope)


def needed_sql(binding: ModelHandlerBinding) -> str | None:
    """SQL that creates what the handler's server must have before a host starts; None where that is nothing."""
    config = binding.config
    if not isinstance(config, ModelDbConfig) or config.idempotency != "inbox":
        return None
    from omnibase_infra.transports.postgres import Inbox

    return Inbox(config.inbox_table, config.inbox_retention_hours).ddl


def resolver_of(loaded: LoadedContract, environment: Mapping[str, str]) -> SecretResolver:
    """Finds the secrets of a contract where its `secrets` say; nothing is connected before one is wanted."""
    secrets = loaded.require().secrets
    if secrets.vault is None:
        return SecretResolver.of_environment(environment, secrets)
    from omnibase_infra.transports.vault.source import VaultSecrets

    own = secrets.model_copy(update={"order": ("environment", "files"), "vault": None})
    vault = VaultSecrets(secrets.vault, SecretResolver.of_environment(environment, own), secrets.names_in("vault"))
    return SecretResolver.of_environment(environment, secrets, vault)


def build_topic_log(loaded: LoadedContract, resolver: SecretResolver) -> "ProtocolTopicLog":
    """The topics of this contract's bus, to be read from outside a host; nothing is connected yet.

    Raises ProtocolConfigurationError for a bus whose topics nobody else can see.
    """
    binding = loaded.require().event_bus
    build = TOPIC_LOGS.get(binding.kind)
    if build is None:
        raise ProtocolConfigurationError(
            f"The bus of this contract is '{binding.kind}': its topics live inside the host's process, so there "
            "is no broker to talk to. Send envelopes through a host of your own with 'onex-host pipe', call a "
            "node with 'onex-host call', or set event_bus.kind to kafka"
        )
    return build(binding, resolver)


def planned_topics(binding: ModelEventBusBinding, replication: int) -> "tuple[PlannedTopic, ...]":
    """The topics that a Kafka contract needs, with recommended settings."""
    from omnibase_infra.event_bus.kafka import plan

    return plan.planned_topics(binding, replication=replication)


def creation_command(topic: "PlannedTopic", server: str, *, partitions: int, replication: int) -> str:
    """The command of Kafka's own tools that creates the topic."""
    from omnibase_infra.event_bus.kafka import plan

    return plan.creation_command(topic, server, partitions=partitions, replication=replication)


async def create_topics(
    binding: ModelEventBusBinding, resolver: SecretResolver, *, partitions: int, replication: int | None
) -> "Sequence[PlannedTopic]":
    """Creates those of the contract's topics that do not exist, for an operator; a host never does.

    Raises as `check_cluster` does.
    """
    from omnibase_infra.event_bus.kafka import creation

    options = await _kafka_options(binding, resolver)
    return await creation.create_topics(binding, options, partitions=partitions, replication=replication)


async def check_cluster(binding: ModelEventBusBinding, resolver: SecretResolver) -> Mapping[str, int]:
    """The partitions of each topic, when everything is as a host needs it at its start.

    Raises EventBusError where no broker answers, SecretResolutionError, and ProtocolConfigurationError that says
    what is wrong.
    """
    from omnibase_infra.event_bus.kafka.connection import security_arguments
    from omnibase_infra.event_bus.kafka.preflight import preflight

    options = await _kafka_options(binding, resolver)
    return (await preflight(binding, options, security_arguments(options))).partitions


async def _kafka_options(binding: ModelEventBusBinding, resolver: SecretResolver) -> "ModelKafkaOptions":
    from omnibase_core.contracts.kafka_config import ModelKafkaOptions

    async with resolver:
        options = (await resolve_bus(binding, resolver)).options
    assert isinstance(options, ModelKafkaOptions)
    return options


MakeHandler = Callable[[ModelHandlerBinding, Clock], ProtocolHandler]


def handler_of(binding: ModelHandlerBinding, clock: Clock) -> ProtocolHandler:
    """The handler of a binding, not initialised."""
    return HANDLERS[binding.type](clock)


def scripted_handler(binding: ModelHandlerBinding, clock: Clock, cue: "Cue") -> ProtocolHandler:
    """The same handler on a transport that reaches nothing, and answers each operation with its cue."""
    return SCRIPTED[binding.type](clock, cue)


def build_host(
    loaded: LoadedContract,
    resolver: SecretResolver,
    *,
    host: type[BaseRuntimeHostProcess] = BaseRuntimeHostProcess,
    clock: Clock | None = None,
    local: bool = False,
    make: MakeHandler = handler_of,
    retries: bool = True,
) -> BaseRuntimeHostProcess:
    """A host of this contract, nothing of it started.

    local: on the in-memory bus and its default topics whatever the contract says, unregistered, untraced; for
    pipe, call, demo and test. make: gives the handler of a binding; contract tests give others. retries: False
    tries every call once. Raises ProtocolConfigurationError for a COMPUTE node whose function `host` does not
    name, and for traces without their extra.
    """
    contract = loaded.require()
    clock = clock or Clock()
    binding = _local(contract.event_bus, contract.name) if local else contract.event_bus
    enabled = [handler for handler in contract.handlers if handler.enabled]
    nodes = contract.nodes if retries else [_tried_once(node) for node in contract.nodes]
    handlers = [_guarded(make(each, clock), each, nodes, binding) for each in enabled]
    guards = {each.name: guard for guard, each in handlers}
    return host(
        HostParts(
            name=contract.name,
            group=contract.group,
            bus=BUSES[binding.kind](meter := BusMeter()),
            bus_meter=meter,
            binding=binding,
            handlers=handlers,
            nodes=list(loaded.nodes.values()),
            resolver=resolver,
            make=lambda binding: make(binding, clock),
            clock=clock,
            limits={node.slug: node.max_inflight for node in contract.nodes if node.max_inflight is not None},
            stall_s=_stall_s(contract, [each.timeout_ms for each in enabled]),
            upkeeps=tuple(_upkeeps(contract, guards, local)),
            traces=None if local else traces_of(contract, contract.group, guards.values()),
        )
    )


def _upkeeps(contract: ModelRuntimeHostContract, guards: Mapping[str, Guard], local: bool) -> Iterator[Upkeep]:
    """The logins of its vault handlers, and its own registration in Consul; handlers may be exchanged."""
    for binding in contract.handlers:
        if binding.type is EnumHandlerType.VAULT and binding.enabled:
            yield Upkeep(f"login of {binding.name}", partial(_keep_login, guards[binding.name]))
    if contract.registration is not None and not local:
        from omnibase_infra.transports.consul import Registration

        client = partial(_consul_client, guards[contract.registration.handler])
        registration = Registration(contract.registration, contract.name, client)
        yield Upkeep("registration", registration.keep, registration.end)


async def _keep_login(guard: Guard) -> float:
    from omnibase_infra.handlers.vault_handler import VaultHandler

    return await guard.handler.keep() if isinstance(guard.handler, VaultHandler) else inf


def _consul_client(guard: Guard) -> "ConsulClient":
    from omnibase_infra.handlers.consul_handler import ConsulHandler

    assert isinstance(guard.handler, ConsulHandler)
    return guard.handler.client


def _stall_s(contract: ModelRuntimeHostContract, timeouts_ms: Iterable[int]) -> float:
    """More than any attempt may take: a call that is still within its time-out is no stall."""
    longest_ms = max([*timeouts_ms, *(node.timeout_ms or 0 for node in contract.nodes)], default=0)
    return max(contract.observability.stall_ms, longest_ms + _STALL_MARGIN_MS) / 1000


def _tried_once(node: ModelNodeEntry) -> ModelNodeEntry:
    return node.model_copy(update={"retry_policy": ModelRetryPolicy(max_retries=0)})


def _guarded(
    handler: ProtocolHandler,
    binding: ModelHandlerBinding,
    nodes: Iterable[ModelNodeEntry],
    bus: ModelEventBusBinding,
) -> tuple[Guard, ModelHandlerBinding]:
    """The guard, and the binding that its handler is initialised with."""
    if binding.on_open is None:
        binding = binding.model_copy(update={"on_open": default_on_open(bus.kind)})
    overriding = {
        node.slug: node.policies(binding)
        for node in nodes
        if node.model_dump(exclude={"slug", "contract", "max_inflight"}, exclude_none=True)
    }
    allowed = binding.model_copy(update={"timeout_ms": longest_timeout_ms(binding, overriding)})
    return Guard(handler, binding, overriding), allowed


def _local(binding: ModelEventBusBinding, name: str) -> ModelEventBusBinding:
    return binding.model_copy(
        update={
            "kind": "inmemory",
            "topics": ModelTopics.model_validate(local_topics(name)),
            "options": ModelBusOptions(),
        }
    )
