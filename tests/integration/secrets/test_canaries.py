"""Planted secrets turn up nowhere, and a poisoned environment changes nothing: commands as a user runs them."""

import asyncio
import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.fakes.http_server import Connection, HttpServer, RecordedRequest, encoded
from tests.infra.cli.programs import Ended, run
from tests.integration.host.test_end_to_end import LEDGER, USERS
from tests.integration.secrets.canaries import CANARY, HTTP_AND_DB, KEYS, VAULT, Asked, envelopes
from tools.services.consul import Consul
from tools.services.vault import Vault

JsonLine = dict[str, object]
POISON = "p01s0n"
CONTRACT = f"""\
schema_version: "1.0.0"
runtime:
  name: "canaries"
  version: "1.0.0"
  event_bus: {{{{kind: "inmemory"}}}}
  secrets: {{{{folder: "{{folder}}"}}}}
  handlers:
{HTTP_AND_DB}{{more}}
  nodes: [{{{{slug: "users"}}}}, {{{{slug: "ledger"}}}}{{nodes}}]
"""
SERVED = f"""\
{VAULT}
    - {{{{type: "consul", timeout_ms: 3000, config: {{{{address: "{{consul}}"}}}}}}}}
"""
SERVICES = """node_version: "1.0.0"
name: "services"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "name", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "instances", type: "any"}]}
io_operations: [{type: "consul", operations: ["consul.get_service"]}]
"""
REQUESTS: Sequence[Asked] = [
    ("users", "http.get", {"url": "/good"}),
    ("users", "http.get", {"url": "/broken"}),
    ("users", "http.get", {"url": "/cut"}),
    ("users", "http.get", {"url": "http://elsewhere.example/"}),
    ("ledger", "db.query", {"sql": "SELECT current_user"}),
    ("ledger", "db.query", {"sql": "SELECT nonsense"}),
    ("ledger", "db.execute", {"sql": "SELECT 1/0"}),
    ("ledger", "db.query", {"sql": "SELECT $1::int", "parameters": ["no number"]}),
    ("nobody", "http.get", {}),
]


async def service(request: RecordedRequest, connection: Connection) -> None:
    """Good, broken, and cut off."""
    match request.target:
        case "/good":
            await connection.send(encoded(200, {"x": 1}))
        case "/broken":
            await connection.send(encoded(500, {"x": 1}))
        case _:
            connection.reset()


def contract_in(folder: Path, url: str, served: str) -> str:
    """The contract, with the handlers in `served` and their nodes."""
    (folder / "nodes").mkdir()
    (folder / "nodes" / "users.yaml").write_text(USERS)
    (folder / "nodes" / "ledger.yaml").write_text(LEDGER)
    path = folder / "runtime.yaml"
    (folder / "nodes" / "keys.yaml").write_text(KEYS)
    (folder / "nodes" / "services.yaml").write_text(SERVICES)
    nodes = ', {slug: "keys"}, {slug: "services"}' if served else ""
    path.write_text(CONTRACT.format(url=url, folder=folder / "secrets", more=served, nodes=nodes))
    return str(path)


async def ran(
    folder: Path,
    environment: Mapping[str, str],
    *arguments: str,
    served: str = "",
    requests: Sequence[Asked] = REQUESTS,
) -> tuple[Ended, HttpServer]:
    """A command over the contract in the folder, with the service at work."""
    async with HttpServer(service) as server:
        contract = contract_in(folder, server.url, served)
        stdin = "\n".join([*envelopes(requests), "no envelope", ""])
        ended = await asyncio.to_thread(
            run, "onex-host", *arguments, contract, stdin=stdin, cwd=folder, environment=environment
        )
        return ended, server


def secrets_of(dsn: str) -> dict[str, str]:
    """What the contract refers to; the token is a canary."""
    return {"ONEX_SECRET_API_TOKEN": CANARY, "ONEX_SECRET_ORDERS_DSN": dsn}


def with_canary(dsn: str) -> str:
    """The DSN with a password that is one, and wrong."""
    head, _, tail = dsn.partition("@")
    return f"{head.rpartition(':')[0]}:{CANARY}@{tail}"


@pytest.mark.asyncio
async def test_no_secret_is_in_what_requests_and_their_failures_leave(tmp_path: Path, postgres_dsn: str) -> None:
    loud = ("--log-level", "debug", "--log-format", "json")
    ended, server = await ran(tmp_path, secrets_of(postgres_dsn), "pipe", *loud)
    assert ended.code == 3
    assert len(ended.stdout.splitlines()) == len(REQUESTS) + 1
    assert server.requests[0].headers["authorization"] == f"Bearer {CANARY}"
    password = postgres_dsn.partition("@")[0].rpartition(":")[2]
    for secret in (CANARY, password):
        assert secret not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "trouble",
    [
        {"ONEX_SECRET_ORDERS_DSN": "CANARY"},
        {"ONEX_SECRET_ORDERS_DSN": f"postgresql://u:{CANARY}@127.0.0.1:1/d"},
        {"ONEX_SECRET_ORDERS_DSN": f"postgresql://u:{CANARY}@localhost:port/d"},
        {"ONEX_SECRET_ORDERS_DSN": f"{CANARY}: no dsn"},
        {"ONEX_SECRET_ORDERS_DSN": ""},
        {"ONEX_SECRET_API_TOKEN": f"{CANARY}\n"},
        {"ONEX_HANDLER_HTTP_BASE_URL": f"https://u:{CANARY}@example.com"},
    ],
    ids=["wrong_password", "no_server", "bad_port", "no_dsn", "missing", "bad_header", "override"],
)
@pytest.mark.asyncio
async def test_no_secret_is_in_what_a_start_that_fails_says(
    tmp_path: Path, postgres_dsn: str, trouble: Mapping[str, str]
) -> None:
    given = {name: with_canary(postgres_dsn) if text == "CANARY" else text for name, text in trouble.items()}
    environment = {**secrets_of(postgres_dsn), **given}
    ended, _ = await ran(tmp_path, environment, "pipe", "--log-level", "debug", "--debug")
    said = ended.stdout + ended.stderr
    assert ended.code == (3 if "ONEX_HANDLER_HTTP_BASE_URL" in trouble else 1)  # which takes no overrides
    assert CANARY not in said


@pytest.mark.parametrize(
    "command",
    [
        ("describe",),
        ("describe", "--config"),
        ("describe", "--config", "--format", "json"),
        ("describe", "--format", "json"),
        ("describe", "--format", "mermaid"),
        ("validate",),
    ],
    ids=" ".join,
)
@pytest.mark.asyncio
async def test_no_secret_is_in_what_is_told_of_a_contract(
    tmp_path: Path, postgres_dsn: str, command: tuple[str, ...]
) -> None:
    environment = {"ONEX_SECRET_API_TOKEN": CANARY, "ONEX_SECRET_ORDERS_DSN": with_canary(postgres_dsn)}
    ended, _ = await ran(tmp_path, environment, *command)
    assert ended.code == 0
    assert CANARY not in ended.stdout + ended.stderr


def poisoned(home: Path, trap: str) -> dict[str, str]:
    """An environment in which everything that libraries read on their own leads elsewhere."""
    for name in (".vault-token", ".pgpass", ".netrc", ".pg_service.conf"):
        (home / name).write_text(POISON)
    proxies = {f"{scheme}_proxy": trap for scheme in ("http", "https", "all")}
    host, _, port = trap.removeprefix("http://").partition(":")
    return {
        **proxies,
        **{name.upper(): address for name, address in proxies.items()},
        "HOME": str(home),
        "NETRC": str(home / ".netrc"),
        **dict.fromkeys(("PGPASSWORD", "PGUSER", "PGDATABASE", "PGSERVICE", "PGAPPNAME", "PGOPTIONS"), POISON),
        "PGHOST": host,
        "PGPORT": port,
        "PGHOSTADDR": host,
        "PGSSLMODE": "verify-full",
        "PGCONNECT_TIMEOUT": "1",
        "PGPASSFILE": str(home / ".pgpass"),
        "PGSSLROOTCERT": str(home / ".netrc"),
        "PGTARGETSESSIONATTRS": POISON,
        **dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(home / ".netrc")),
        "SSL_CERT_DIR": str(home),
        "SSLKEYLOGFILE": str(home / "keys"),
        "OPENSSL_CONF": "/dev/null",
        "VAULT_ADDR": trap,
        "VAULT_TOKEN": POISON,
        "VAULT_NAMESPACE": POISON,
        "VAULT_SKIP_VERIFY": "1",
        "VAULT_CACERT": str(home / ".netrc"),
        "VAULT_CLIENT_CERT": POISON,
        "VAULT_CLIENT_KEY": POISON,
        "CONSUL_HTTP_ADDR": "unix://nowhere",
        "CONSUL_HTTP_TOKEN": POISON,
        "CONSUL_HTTP_SSL": "true",
        "CONSUL_HTTP_SSL_VERIFY": "1",
        "CONSUL_NAMESPACE": POISON,
    }


def told(text: str, server: HttpServer) -> list[JsonLine]:
    """The responses in order of their requests, but for times and what is drawn anew."""
    found = [json.loads(line) for line in text.replace(str(server.port), "PORT").splitlines()]
    answers = [each for each in found if each["causation_id"] is not None]
    return sorted(({**each, "timestamp": ""} for each in answers), key=lambda each: str(each["causation_id"]))


@pytest.mark.asyncio
async def test_a_poisoned_environment_changes_no_response_and_connects_nowhere_else(
    tmp_path: Path, postgres_dsn: str, vault: Vault, consul: Consul
) -> None:
    requests: Sequence[Asked] = [
        *REQUESTS,
        ("keys", "vault.get_secret", {"path": "there/is/none"}),
        ("services", "consul.get_service", {"name": "there-is-none"}),
    ]
    given = {**secrets_of(postgres_dsn), "ONEX_SECRET_VAULT_TOKEN": vault.token}
    served = SERVED.format(vault=vault.address, consul=consul.address)
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        home = tmp_path / "home"
        home.mkdir()
        environment = poisoned(home, f"http://127.0.0.1:{trap.getsockname()[1]}")
        results = []
        for name, more in (("clean", {}), ("poisoned", environment)):
            (tmp_path / name).mkdir()
            folder = tmp_path / name
            results.append(await ran(folder, {**given, **more}, "pipe", served=served, requests=requests))
        with pytest.raises(BlockingIOError):
            trap.accept()
    (clean, first), (ended, server) = results
    assert told(ended.stdout, server) == told(clean.stdout, first)
    assert [len(told(ended.stdout, server)), ended.code] == [len(requests), 3]
    assert '"instances":[]' in ended.stdout
    assert POISON not in ended.stdout + ended.stderr + str(server.requests)
    assert not (home / "keys").exists()
