"""`onex-host send`: everything is checked first, then sent; responses are shown as they come."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from click.testing import CliRunner, Result
from omnibase_core.codec import decode, encode
from omnibase_core.errors import EventBusError
from omnibase_infra.cli.broker import Desk
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.main import onex_host
from omnibase_infra.cli.outgoing import NodeOptions, outgoing, requests_from
from omnibase_infra.cli.sending import Sending, run_send
from omnibase_infra.records.sending import Request

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW, raw_request, request
from tests.infra.cli.desks import answer_everything, contract_with_kafka, desk_in

WAIT_S = 5.0


def lines_in(folder: Path, *lines: bytes) -> str:
    path = folder / "requests.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return str(path)


def send(folder: Path, *arguments: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(onex_host, ["send", contract_with_kafka(folder), *arguments], input=stdin)


def from_file(desk: Desk, path: str) -> list[Request]:
    return requests_from(path, 1_048_576, desk.loaded.nodes)


@pytest.fixture
def desk(tmp_path: Path) -> tuple[Desk, MemoryTopicLog]:
    desk, log = desk_in(tmp_path)
    answer_everything(log)
    return desk, log


def test_lines_are_sent_as_they_are(
    desk: tuple[Desk, MemoryTopicLog], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = raw_request(2).replace(b'"payload":', b' "payload" : ')
    requests = from_file(desk[0], lines_in(tmp_path, raw_request(1), b"  ", odd))
    assert run_send(desk[0], Sending(requests, key=b"\xff")) is EnumExitCode.OK
    assert [(message.value, message.key) for message in desk[1].published] == [
        (raw_request(1), b"\xff"),
        (odd, b"\xff"),
    ]
    assert capsys.readouterr() == ("", "2 requests sent to onex.acme.orders.cmd.v1\n")


def test_responses_are_written_as_lines_as_they_came(
    desk: tuple[Desk, MemoryTopicLog], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    requests = from_file(desk[0], lines_in(tmp_path, raw_request(1), raw_request(13)))
    sending = Sending(requests, wait_s=WAIT_S, form="raw")
    assert run_send(desk[0], sending) is EnumExitCode.ENVELOPE_FAILED
    out, err = capsys.readouterr()
    first, second = (decode(line.encode()) for line in out.splitlines())
    assert (first.payload, second.success) == ({"number": 1}, False)
    assert err == "2 requests sent, 2 answered, 1 failed\n"


def test_a_request_to_a_node_is_shown_like_a_call(
    desk: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    requests = outgoing(desk[0].contract, desk[0].loaded.nodes, ("node", "number=7"), NodeOptions(), check=True)
    assert run_send(desk[0], Sending(requests, wait_s=WAIT_S)) is EnumExitCode.OK
    head, field = capsys.readouterr().out.splitlines()
    assert head.startswith("node succeeded in ")
    assert field == "  number: 7"


def test_without_waiting_the_ids_are_told(
    desk: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    options = NodeOptions(correlation_id=UUID(int=9))
    requests = outgoing(desk[0].contract, desk[0].loaded.nodes, ("node", "number=7"), options, check=True)
    run_send(desk[0], Sending(requests, form="json"))
    told = json.loads(capsys.readouterr().out)
    assert told["correlation_id"] == str(UUID(int=9))
    assert told["envelope_id"] == str(decode(desk[1].published[0].value).envelope_id)


def test_no_response_in_time_is_exit_code_4_and_nothing_is_lost(
    desk: tuple[Desk, MemoryTopicLog], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    desk[1].after_publish = lambda: None
    requests = from_file(desk[0], lines_in(tmp_path, raw_request(1), raw_request(2)))
    sending = Sending(requests, wait_s=0.05, form="raw")
    assert run_send(desk[0], sending) is EnumExitCode.DRAIN_INCOMPLETE
    err = capsys.readouterr().err
    assert "2 requests (lines 1, 2) got no response within 0.05 s" in err
    assert "the response may still come" in err
    assert len(desk[1].published) == 2


def test_a_bus_that_takes_no_more_is_exit_code_5_and_names_the_line(
    desk: tuple[Desk, MemoryTopicLog], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    refused = raw_request(2)
    desk[1].refuse = lambda message: EventBusError("gone") if message.value == refused else None
    requests = from_file(desk[0], lines_in(tmp_path, raw_request(1), raw_request(2)))
    assert run_send(desk[0], Sending(requests)) is EnumExitCode.BUS_LOST
    assert "1 of 2 requests sent; line 2 is the first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", "requests.jsonl:2: $: not JSON"),
        (encode(request(1).model_copy(update={"target_node": "nod"})), "no node 'nod'. Did you mean 'node'?"),
        (encode(request(1).model_copy(update={"operation": "http.get"})), "is a COMPUTE node and takes none"),
        (encode(request(1, payload={"numbr": 1})), "$.payload.number: is required"),
        (b'{"envelope_id": "x"}', "$.envelope_id"),
        (b"\xff", "requests.jsonl:2: $"),
    ],
)
def test_a_line_that_no_node_takes_is_named_and_nothing_is_sent(tmp_path: Path, line: bytes, message: str) -> None:
    ended = send(tmp_path, lines_in(tmp_path, raw_request(1), line))
    assert ended.exit_code == 2
    assert "1 line cannot be sent; nothing was sent" in ended.stderr
    assert message in ended.stderr


def test_a_response_is_no_request(desk: tuple[Desk, MemoryTopicLog], tmp_path: Path) -> None:
    ended = send(tmp_path, "--no-check", stdin=encode(request(1).reply({}, timestamp=NOW)))
    assert ended.exit_code == 2
    assert "stdin:1: $.is_response" in ended.stderr


def test_without_the_check_only_the_envelope_counts(desk: tuple[Desk, MemoryTopicLog], tmp_path: Path) -> None:
    path = lines_in(tmp_path, encode(request(1, payload={"any": "thing"})))
    assert len(outgoing(desk[0].contract, desk[0].loaded.nodes, (path,), NodeOptions(), check=False)) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nod"], "'nod' is neither a node nor a file: No such file or directory. Did you mean 'node'?"),
        (["node", "number=x"], "'number' (integer) is written as JSON"),
        (["node"], "number is required"),
        (["nobody", "number=1"], "No node 'nobody'"),
        (["node", "number=1", "--no-check"], "--no-check is for FILE"),
        (["requests.jsonl", "--payload", "{}"], "are for NODE"),
        (["node", "number=1", "--key", "a", "--key-base64", "YQ=="], "two forms of one thing"),
    ],
)
def test_wrong_arguments_say_what_is_right(tmp_path: Path, arguments: list[str], message: str) -> None:
    ended = send(tmp_path, *arguments)
    assert ended.exit_code == 2
    assert message in ended.stderr


def test_an_empty_input_connects_to_nothing(
    desk: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_send(desk[0], Sending([])) is EnumExitCode.OK
    assert "0 requests sent" in capsys.readouterr().err
    assert desk[1].opened == 0
