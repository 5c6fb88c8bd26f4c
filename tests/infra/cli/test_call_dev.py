"""`onex-host call --dev`: the dev host that runs makes the call, or it is said what is in the way."""

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from omnibase_infra.cli.dev_models import CALL, STATE

from tests.infra.cli.devhosts import DevHost, project_in
from tests.infra.cli.programs import run


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevHost]:
    with DevHost(project_in(tmp_path_factory.mktemp("project"))) as running:
        yield running


def test_the_response_is_shown_as_by_any_call(host: DevHost) -> None:
    ended = host.call("price", "pieces=21")
    assert ended.code == 0
    first, second = ended.stdout.splitlines()
    assert first.startswith("price succeeded in ")
    assert second == "  total: 42"


def test_large_integers_and_the_whole_envelope_come_through(host: DevHost) -> None:
    ended = host.call("price", "pieces=4611686018427387903", "--raw")
    assert json.loads(ended.stdout)["payload"] == {"total": 9223372036854775806}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("prices", "pieces=1"), "No node 'prices'. Did you mean 'price'?"),
        (("price", "pieces=many"), "'pieces' (integer) is written as JSON, such as 3; got 'many'"),
        (("price",), "pieces is required, but missing"),
    ],
)
def test_what_the_node_does_not_take_is_a_usage_error(
    host: DevHost, arguments: tuple[str, ...], said: str
) -> None:
    ended = host.call(*arguments)
    assert ended.code == 2
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("method", "path", "headers", "expected"),
    [
        ("POST", CALL, {"Origin": "https://evil.example"}, 403),
        ("POST", CALL, {"Host": "rebound.example"}, 421),
        ("POST", CALL, {"Content-Type": "text/plain"}, 415),
        ("OPTIONS", CALL, {"Origin": "https://evil.example"}, 405),
        ("GET", CALL, {}, 405),
        ("GET", STATE, {"Host": "rebound.example"}, 421),
        ("GET", "/", {"Host": "rebound.example"}, 421),
    ],
)
def test_pages_of_other_sites_reach_nothing(
    host: DevHost, method: str, path: str, headers: dict[str, str], expected: int
) -> None:
    connection = HTTPConnection("127.0.0.1", host.port, timeout=10)
    call = '{"node": "price", "values": ["pieces=1"]}'
    connection.request(
        method, path, call if method == "POST" else None, {"Content-Type": "application/json"} | headers
    )
    answer = connection.getresponse()
    connection.close()
    assert (answer.status, answer.getheader("access-control-allow-origin")) == (expected, None)


def test_a_dev_host_of_another_contract_is_told(host: DevHost, tmp_path: Path) -> None:
    project_in(tmp_path)
    ended = run(
        "onex-host", "call", "runtime.yaml", "price", "pieces=1", "--dev", "--http", str(host.port), cwd=tmp_path
    )
    assert ended.code == 1
    assert f"The dev host here runs {host.folder.resolve() / 'runtime.yaml'}" in ended.stderr


def test_without_a_dev_host_it_says_what_to_type(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    ended = run("onex-host", "call", "runtime.yaml", "price", "--dev", "--http", str(port), cwd=tmp_path)
    assert ended.code == 1
    assert f"No dev host answers at 127.0.0.1:{port}. Start one in another terminal:" in ended.stderr
    assert "  onex-host dev runtime.yaml\n" in ended.stderr
