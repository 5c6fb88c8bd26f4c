"""`onex-host dev`: what is saved takes over, what is broken does not, and nobody who waits is forgotten."""

import os
import pty
import signal
import socket
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import click
import pytest

from tests.infra.cli.devhosts import PRICE, DevHost, payload_of, project_in, started
from tests.infra.cli.programs import program

ASKING = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "ask"
node_type: "EFFECT"
input_model: {name: "ModelIn", fields: [{name: "what", type: "string"}]}
output_model: {name: "ModelOut", fields: [{name: "said", type: "string"}]}
io_operations:
  - type: "http"
    operations: ["http.get"]
    request: {url: "/${{ input.what }}"}
    response: {said: "before"}
"""


FEEDING = """\
import asyncio
from omnibase_infra.host.process import BaseRuntimeHostProcess


class FeedingHost(BaseRuntimeHostProcess):
    async def feed(self, publish):
        pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return project_in(tmp_path)


def test_a_change_that_is_saved_takes_over(project: Path) -> None:
    with DevHost(project) as host:
        before = host.payload("price", "pieces=3")
        host.replace("nodes/price.yaml", "`2`", "`5`")
        host.says("reloaded in")
        after = host.payload("price", "pieces=3")
    assert (before, after) == ({"total": 6}, {"total": 15})


def test_a_broken_change_is_shown_and_what_ran_before_runs_on_until_it_is_mended(project: Path) -> None:
    with DevHost(project) as host:
        host.replace("nodes/price.yaml", "input.pieces", "input.piece")
        host.says("not reloaded, what ran before runs on: nodes/price.yaml")
        kept = host.payload("price", "pieces=3")
        state = host.state()
        host.replace("nodes/price.yaml", "multiply(input.piece, `2`)", "input.pieces")
        host.says("reloaded in")
        mended = host.payload("price", "pieces=3")
        mended_state = host.state()
        told = host.errors.read_text()
    assert (kept, mended) == ({"total": 6}, {"total": 3})
    assert "  File: nodes/price.yaml:12:29\n  Error: ModelIn has no field 'piece'\n" in told
    fault = state["fault"]
    assert isinstance(fault, dict)
    assert "File: nodes/price.yaml:12:29" in fault["text"]
    assert "| " in fault["text"]
    errors = [each for each in fault["problems"] if each["severity"] == "error"]
    assert [(each["file"], each["line"]) for each in errors] == [("nodes/price.yaml", 12)]
    assert (mended_state["fault"], mended_state["reloads"]) == (None, 1)


def test_a_file_that_was_missing_is_taken_when_it_is_there(project: Path) -> None:
    with DevHost(project) as host:
        host.replace("runtime.yaml", '[{slug: "price"}]', '[{slug: "price"}, {slug: "other"}]')
        host.says("not reloaded")
        host.write("nodes/other.yaml", PRICE.replace('"price"', '"other"'))
        host.says("reloaded in")
        assert host.payload("other", "pieces=4") == {"total": 8}


def test_calls_under_way_at_a_change_are_answered_by_what_they_were_sent_to(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _asking(tmp_path, server)
        with DevHost(tmp_path) as host:
            waiting = [host.begun("ask", "what=it"), host.begun("ask", "what=it")]
            held = [server.accept()[0] for _ in waiting]
            host.replace("nodes/ask.yaml", "before", "after")
            host.says("reloaded in")
            waiting.append(host.begun("ask", "what=it"))
            held.append(server.accept()[0])
            for connection in held:
                _answer(connection)
            said = [payload_of(each) for each in waiting]
            for connection in held:
                connection.close()
    assert said == [{"said": "before"}, {"said": "before"}, {"said": "after"}]


def test_ctrl_c_answers_what_is_under_way_and_ends_in_good_order(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        _asking(tmp_path, server)
        with DevHost(tmp_path) as host:
            waiting = host.begun("ask", "what=it")
            held = server.accept()[0]
            host.process.send_signal(signal.SIGINT)
            host.is_stopping()
            _answer(held)
            answered = payload_of(waiting)
            host.says("stopped")
            held.close()
    assert answered == {"said": "before"}


@pytest.mark.parametrize("name", ["prod", "Production"])
def test_production_is_refused(project: Path, name: str) -> None:
    ended = started(project, environment={"ENVIRONMENT": name})
    assert ended.code == 1
    assert (
        f"onex-host dev does not start where ENVIRONMENT={name}; run the contract with onex-host run"
        in ended.stderr
    )


def test_an_address_beyond_loopback_is_refused(project: Path) -> None:
    ended = started(project, "--http", "0.0.0.0:8642")
    assert ended.code == 2
    assert "listens at loopback only, and '0.0.0.0' is none" in ended.stderr


def test_a_port_that_is_taken_is_told_with_the_way_out(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = started(project, "--http", str(taken.getsockname()[1]))
    assert ended.code == 1
    assert "give this one another port with --http PORT" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_contract_that_is_broken_from_the_start_is_told_and_taken_once_it_is_mended(project: Path) -> None:
    (project / "nodes" / "price.yaml").write_text(PRICE.replace("input.pieces", "input.piece"))
    with DevHost(project) as host:
        told = host.errors.read_text()
        assert told.startswith(
            "ContractValidationError: Failed to load contract\n  File: nodes/price.yaml:12:29\n"
        )
        page = HTTPConnection("127.0.0.1", host.port, timeout=10)
        page.request("GET", "/")
        answer = page.getresponse()
        assert (answer.status, "nodes/price.yaml:12:29" in answer.read().decode()) == (503, True)
        page.close()
        refused = host.call("price", "pieces=3")
        assert (refused.code, "The dev host runs nothing yet" in refused.stderr) == (1, True)
        host.replace("nodes/price.yaml", "input.piece", "input.pieces")
        host.says("Ctrl-C ends it")
        assert host.payload("price", "pieces=3") == {"total": 6}


def test_what_is_mended_step_by_step_is_waited_for_until_it_runs(project: Path) -> None:
    (project / "nodes" / "price.yaml").write_text(PRICE.replace("input.pieces", "input.piece"))
    (project / "own.py").write_text(FEEDING.replace("def feed", "def"))
    with DevHost(project, "--host", "own:FeedingHost") as host:
        (project / "runtime.yaml").rename(project / "away.yaml")
        host.says("Nothing runs yet")
        (project / "away.yaml").rename(project / "runtime.yaml")
        host.says("Nothing runs yet")
        host.replace("nodes/price.yaml", "input.piece", "input.pieces")
        host.says("Nothing runs yet")
        host.write("own.py", FEEDING.replace("pass", "await asyncio.Event().wait()"))
        host.says("Ctrl-C ends it")
        assert host.payload("price", "pieces=3") == {"total": 6}


def test_a_contract_that_is_not_there_is_not_waited_for(tmp_path: Path) -> None:
    ended = started(tmp_path, "--http", "0")
    assert ended.code == 1
    assert "runtime.yaml" in ended.stderr


def test_a_contract_on_kafka_runs_in_memory_and_needs_none_of_its_variables(project: Path) -> None:
    kafka = """{kind: "kafka", config: {bootstrap_servers: "${NOT_SET_ANYWHERE}", consumer_group: "shop",
    topics: {input: "onex.acme.shop.cmd.v1", output: "onex.acme.shop.evt.v1"}}}"""
    runtime = (project / "runtime.yaml").read_text()
    (project / "runtime.yaml").write_text(runtime.replace('{kind: "inmemory"}', kafka))
    with DevHost(project) as host:
        assert "  bus       in memory here; the contract says kafka\n" in host.greeting
        assert host.payload("price", "pieces=3") == {"total": 6}


def test_a_host_whose_feed_is_over_is_told_and_begun_anew_by_a_change(project: Path) -> None:
    (project / "feeding.py").write_text(FEEDING)
    with DevHost(project, "--host", "feeding:FeedingHost") as host:
        host.says("the host has ended by itself; save a file to start it anew")
        assert host.state()["serving"] is False
        assert host.payload("price", "pieces=3") is None
        host.replace("feeding.py", "pass", "await asyncio.Event().wait()")
        host.says("reloaded in")
        assert (host.state()["serving"], host.payload("price", "pieces=3")) == (True, {"total": 6})


@pytest.mark.parametrize(
    ("environment", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)], ids=["", "NO_COLOR"]
)
def test_a_terminal_shows_the_line_with_a_caret_and_ctrl_c_ends_what_never_ran_as_a_failure(
    project: Path, environment: dict[str, str], coloured: bool
) -> None:
    (project / "nodes" / "price.yaml").write_text(PRICE.replace("input.pieces", "input.piece"))
    ours, terminal = pty.openpty()
    waiting = subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "dev", "runtime.yaml", "--http", "0"),
        cwd=project,
        stderr=terminal,
        stdout=terminal,
        env={**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, **environment},
    )
    os.close(terminal)
    with os.fdopen(ours, "rb", buffering=0) as shown:
        text = ""
        while "Nothing runs yet" not in text:
            text += shown.read(65536).decode()
        waiting.send_signal(signal.SIGINT)
        assert waiting.wait(timeout=30) == 1
    assert "12 |   total: ${{ multiply(input.piece, `2`) }}" in text
    assert " ^" in click.unstyle(text)
    assert ("\x1b[31m" in text) is coloured


def _asking(folder: Path, server: socket.socket) -> None:
    """A project whose one node asks this server."""
    project_in(folder, ask=ASKING)
    url = f"http://127.0.0.1:{server.getsockname()[1]}"
    handler = f'{{type: "http", config: {{base_url: "{url}", allow_private: ["127.0.0.0/8"]}}}}'
    runtime = (folder / "runtime.yaml").read_text().replace("price", "ask")
    (folder / "runtime.yaml").write_text(runtime.replace("handlers: []", f"handlers: [{handler}]"))


def _answer(connection: socket.socket) -> None:
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
