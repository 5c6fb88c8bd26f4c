"""`onex-host dlq`: what it prints, what it never prints, and its exit codes."""

import base64
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click import UsageError
from click.testing import CliRunner, Result
from omnibase_core.errors import EventBusError, ProtocolConfigurationError
from omnibase_infra.cli.broker import Desk
from omnibase_infra.cli.dlq_runs import list_letters, purge_letters, replay_letters, show_letter
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.main import onex_host
from omnibase_infra.cli.selecting import Code, Moment, OffsetRange
from omnibase_infra.records.purge import PurgeBound
from omnibase_infra.records.replay import ReplayRules
from omnibase_infra.records.selection import Selection

from tests.fakes.memory_log import MemoryTopicLog
from tests.infra.cli.desks import contract_with_kafka, desk_in
from tests.infra.cli.programs import contract_in
from tests.infra.records.letters import FAILED_AT, give_up, give_up_garbage

HOSTILE = b"\x1b[2J\x9b31m evil \xe2\x80\xae"


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Desk, MemoryTopicLog]:
    desk, log = desk_in(tmp_path)
    give_up(log, 0, key=b"customer-1")
    give_up_garbage(log, 1)
    give_up(log, 2, value=b'{"secret": "hunter2"}', headers=[("x-token", b"hunter3")], key=HOSTILE, node=None)
    return desk, log


def dlq(*arguments: str) -> Result:
    return CliRunner().invoke(onex_host, ["dlq", *arguments])


def test_the_list_is_a_table(filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]) -> None:
    assert list_letters(filled[0], Selection(), limit=None, as_json=False) is EnumExitCode.OK
    out, err = capsys.readouterr()
    head, first, second, _ = out.splitlines()
    assert " ".join(head.split()) == (
        "partition offset failed at code stage node operation correlation id key attempts replays replayed"
    )
    assert first.split() == [
        "0", "0", "2026-11-22T12:00:00Z", "HANDLER_EXECUTION_ERROR", "node", "node", "http.get",
        "00000000-0000-0000-0000-000000000001", "customer-1", "1", "0", "no",
    ]  # fmt: skip
    assert second.split()[3:8] == ["ENVELOPE_VALIDATION_ERROR", "decode", "-", "-", "-"]
    assert err == (
        "3 dead letters: 2 HANDLER_EXECUTION_ERROR, 1 ENVELOPE_VALIDATION_ERROR; none of them replayed, "
        "in onex.acme.orders.error.v1\n"
    )


@pytest.mark.parametrize("as_json", [True, False])
def test_the_list_holds_no_payload_and_no_header(
    filled: tuple[Desk, MemoryTopicLog], as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    list_letters(filled[0], Selection(), limit=None, as_json=as_json)
    shown = "".join(capsys.readouterr())
    assert "hunter" not in shown
    assert "no envelope" not in shown
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_the_list_as_json_is_a_line_each(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    list_letters(filled[0], Selection(), limit=None, as_json=True)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["offset"] for line in lines] == [0, 1, 2]
    assert lines[0] | {"timestamp": "", "envelope_id": ""} == {
        "topic": "onex.acme.orders.error.v1",
        "partition": 0,
        "offset": 0,
        "timestamp": "",
        "failed_at": "2026-11-22T12:00:00.000Z",
        "code": "HANDLER_EXECUTION_ERROR",
        "stage": "node",
        "node": "node",
        "operation": "http.get",
        "correlation_id": "00000000-0000-0000-0000-000000000001",
        "envelope_id": "",
        "key": "customer-1",
        "attempts": 1,
        "replay_count": 0,
        "replayed": False,
    }
    assert base64.b64decode(lines[2]["key"]["base64"]) == HOSTILE


def test_a_limit_is_kept_and_told(filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]) -> None:
    list_letters(filled[0], Selection(), limit=2, as_json=True)
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2
    assert "no more than --limit 2" in err


def test_one_letter_is_shown_as_a_whole_and_moves_no_cursor(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_letter(filled[0], 0, 2, as_json=False) is EnumExitCode.OK
    shown = capsys.readouterr().out
    for expected in (
        "reason          no luck",
        "came from       onex.acme.orders.cmd.v1[3]@102, group orders-host",
        "key             \\x1b[2J\\x9b31m evil \\u202e",
        "  x-token: hunter3",
        '  {"secret": "hunter2"}',
    ):
        assert expected in shown.splitlines()
    assert all(character.isprintable() or character == "\n" for character in shown)


def test_an_envelope_is_shown_with_its_lines(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    show_letter(filled[0], 0, 0, as_json=False)
    assert '    "target_node": "node",' in capsys.readouterr().out.splitlines()


def test_one_letter_as_json_gives_every_byte_back(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    show_letter(filled[0], 0, 1, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert base64.b64decode(told["value"]["base64"]) == b"\x00no envelope\xff"
    assert told["headers"] == [{"name": "traceparent", "value": "00-1"}]
    assert told["origin"] == {
        "topic": "onex.acme.orders.cmd.v1",
        "partition": 3,
        "offset": 101,
        "group": "orders-host",
    }


@pytest.mark.parametrize(
    ("partition", "offset", "message"), [(0, 9, "has 0 to 2 there"), (7, 0, "has no partition 7")]
)
def test_a_letter_that_is_not_there_says_what_is(
    filled: tuple[Desk, MemoryTopicLog], partition: int, offset: int, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        show_letter(filled[0], partition, offset, as_json=False)


def test_a_dry_run_says_what_a_replay_would_do(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, log = filled
    assert replay_letters(desk, ReplayRules(), dry_run=True, as_json=True) is EnumExitCode.OK
    out, err = capsys.readouterr()
    assert json.loads(out) == {
        "dry_run": True, "selected": 3, "replayed_before": 0, "refused": 0, "without_value": 0,
        "due": 3, "expired": 0, "sent": 0, "stopped": False,
    }  # fmt: skip
    assert "3 dead letters of onex.acme.orders.error.v1 would go to onex.acme.orders.cmd.v1" in err
    assert log.published == []


def test_a_replay_leaves_what_has_no_value_here_and_says_where_it_is(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, log = filled
    give_up(log, 5, headers=[("onex-dlq-value-omitted", b"5000")])
    assert replay_letters(desk, ReplayRules(), dry_run=False, as_json=False) is EnumExitCode.ENVELOPE_FAILED
    assert "and are where they came from: 1; 'onex-host dlq show' says" in capsys.readouterr().err
    assert len(log.published) == 3
    show_letter(desk, 0, 3, as_json=False)
    assert "5,000 bytes, for which this topic had no room" in capsys.readouterr().out


def test_a_replay_says_what_it_left_and_why(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, log = filled
    replay_letters(desk, ReplayRules(), dry_run=False, as_json=False)
    give_up(log, 5, headers=[("onex-dlq-replay-count", b"3")])
    capsys.readouterr()
    assert replay_letters(desk, ReplayRules(), dry_run=False, as_json=False) is EnumExitCode.ENVELOPE_FAILED
    out, err = capsys.readouterr()
    assert out == ""
    assert "Replayed before, and left out: 3 (--again sends those too)" in err
    assert "Replayed 3 times or more, and left where they are: 1 (partition and offset: 0 3)" in err
    assert len(log.published) == 3


def test_a_bus_that_takes_no_more_is_exit_code_5_and_what_it_took_is_told(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, log = filled
    log.refuse = lambda message: EventBusError("out of order") if message.key == HOSTILE else None
    assert replay_letters(desk, ReplayRules(), dry_run=False, as_json=False) is EnumExitCode.BUS_LOST
    err = capsys.readouterr().err
    assert "out of order" in err
    assert "2 dead letters replayed before this; the same command goes on" in err


def test_a_purge_says_what_went(filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]) -> None:
    desk, log = filled
    give_up(log, 3, after_minutes=9)
    bound = PurgeBound(time=FAILED_AT + timedelta(minutes=5))
    assert purge_letters(desk, bound, dry_run=True, as_json=False) is EnumExitCode.OK
    assert capsys.readouterr().out == "partition 0, offsets 0 to 2: 3 dead letters, 3 of them never replayed\n"
    purge_letters(desk, bound, dry_run=False, as_json=True)
    out, err = capsys.readouterr()
    assert (json.loads(out)["purged"], json.loads(out)["last_offset"]) == (True, 2)
    assert err == "3 dead letters were purged from onex.acme.orders.error.v1\n"
    assert [len(records) for partition, records in log.partitions.items() if "error" in partition.topic] == [1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["list", "--code", "HANDLER_TIMEOT"], "Did you mean 'HANDLER_TIMEOUT'?"),
        (["list", "--since", "yesterday"], "'yesterday' is no time"),
        (["list", "--offset", "x"], "'x' is no offset"),
        (["list", "--offset", "9-3"], "'9-3' is empty"),
        (["list", "--key-base64", "?"], "'?' is no base64"),
        (["list", "--correlation", "7"], "not a valid UUID"),
        (["purge", "--yes"], "Name what goes"),
        (["purge", "--all", "--replayed", "--yes"], "--all has no bound"),
        (["purge", "--all"], "gone for good"),
        (["purge", "--all", "--yes", "--dry-run"], "gone for good"),
        (["replay", "--rate", "0"], "--rate"),
    ],
)
def test_a_wrong_option_is_said_before_anything_is_connected(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    command, *rest = arguments
    ended = dlq(command, contract_with_kafka(tmp_path), *rest)
    assert ended.exit_code == 2
    assert message in ended.stderr


def test_options_are_read_in_every_form() -> None:
    assert Code().convert("handler-timeout", None, None) == "HANDLER_TIMEOUT"
    assert OffsetRange().convert("17", None, None) == (17, 17)
    assert OffsetRange().convert("17-", None, None) == (17, None)
    assert OffsetRange().convert("-20", None, None) == (None, 20)
    assert Moment().convert("2026-11-22T12:00:00Z", None, None) == FAILED_AT
    assert Moment().convert("2026-11-22T12:00:00", None, None) == FAILED_AT
    ago = Moment().convert("2h", None, None)
    assert Moment().convert("3h", None, None) < ago < Moment().convert("1h", None, None)


def test_a_contract_without_dead_letters_is_told_how_to_have_some(tmp_path: Path) -> None:
    desk, _ = desk_in(tmp_path, dead_letter=None)
    with pytest.raises(ProtocolConfigurationError, match="has no dead-letter topic"):
        list_letters(desk, Selection(), limit=None, as_json=False)


@pytest.mark.parametrize(
    "command",
    [
        ["dlq", "list", "CONTRACT"],
        ["dlq", "show", "CONTRACT", "0", "0"],
        ["dlq", "replay", "CONTRACT"],
        ["dlq", "purge", "CONTRACT", "--all", "--yes"],
        ["send", "CONTRACT"],
        ["tail", "CONTRACT"],
        ["trace", "CONTRACT", "00000000-0000-4000-8000-000000000001"],
    ],
)
def test_a_bus_in_memory_has_no_broker_to_talk_to(tmp_path: Path, command: list[str]) -> None:
    contract = contract_in(tmp_path)
    ended = CliRunner().invoke(onex_host, [contract if word == "CONTRACT" else word for word in command])
    assert ended.exit_code == 1
    assert "no broker to talk to" in ended.stderr
    assert "onex-host pipe" in ended.stderr
