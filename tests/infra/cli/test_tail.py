"""`onex-host tail` and `onex-host trace`: what lies in the topics, for people and for programs."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from omnibase_core.codec import encode
from omnibase_core.errors import HandlerExecutionError
from omnibase_infra.cli.broker import Desk
from omnibase_infra.cli.exit_codes import EnumExitCode
from omnibase_infra.cli.tailing import run_tail, watch_of
from omnibase_infra.cli.tracing import run_trace

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW, raw_request, request
from tests.infra.cli.desks import desk_in
from tests.infra.records.letters import DEAD, INPUT, give_up
from tests.infra.records.test_search import OUTPUT

AT_MS = 1_764_000_000_000


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Desk, MemoryTopicLog]:
    """One request that failed and was dead-lettered, delivered twice; and one that succeeded, caused by it."""
    desk, log = desk_in(tmp_path)
    first = request(0)
    failed = first.failure(HandlerExecutionError("no\x1b[2J luck"), timestamp=NOW)
    second = request(1, payload={"text": "a\x9bb"}).model_copy(
        update={"causation_id": failed.envelope_id, "correlation_id": first.correlation_id}
    )
    log.add(INPUT, encode(first), timestamp_ms=AT_MS)
    log.add(INPUT, encode(first), timestamp_ms=AT_MS + 5, headers=[("onex-dlq-replay-count", b"1")])
    log.add(OUTPUT, encode(failed), timestamp_ms=AT_MS + 20)
    log.add(OUTPUT, encode(failed), timestamp_ms=AT_MS + 30)
    log.add(INPUT, encode(second), timestamp_ms=AT_MS + 40)
    log.add(OUTPUT, encode(second.reply({"ok": "a\x9bb"}, timestamp=NOW)), timestamp_ms=AT_MS + 60)
    log.add(OUTPUT, b"no envelope", timestamp_ms=AT_MS + 70)
    give_up(log, 0, value=raw_request(0))
    return desk, log


def test_responses_and_dead_letters_are_told_in_order(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, _ = filled
    watch = watch_of(desk, None, None, None, with_input=False)
    assert run_tail(desk, watch, follow=False, as_json=False) is EnumExitCode.OK
    out = capsys.readouterr().out.splitlines()
    id_ = "correlation 00000000-0000-0000-0000-000000000001"
    assert out[:4] == [
        f"2025-11-24T16:00:00.008Z  dead letter HANDLER_EXECUTION_ERROR, node  {id_}  {DEAD}[0]@0",
        "  no luck",
        f"2025-11-24T16:00:00.020Z  node failed  {id_}  onex.acme.orders.evt.v1[0]@0",
        "  HANDLER_EXECUTION_ERROR (trying again will not help)",
    ]
    assert "  no\\x1b[2J luck" in out
    assert '  ok: "a\\x9bb"' in out
    assert out[-1].endswith("no envelope  onex.acme.orders.evt.v1[0]@3")
    assert all(line.isprintable() for line in out)


def test_requests_are_told_where_they_are_asked_for(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    desk, _ = filled
    run_tail(desk, watch_of(desk, None, None, 20, with_input=True), follow=False, as_json=True)
    kinds = [json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(kinds) == sorted(["request"] * 3 + ["response"] * 3 + ["no_envelope", "dead_letter"])


def test_an_empty_topic_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    desk, _ = desk_in(tmp_path)
    run_tail(desk, watch_of(desk, UUID(int=1), None, None, with_input=False), follow=False, as_json=False)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "Nothing to show in onex.acme.orders.evt.v1, onex.acme.orders.error.v1\n")


def test_a_trace_is_a_tree_with_times_outcomes_and_duplicates(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_trace(filled[0], UUID(int=1), None, as_json=False) is EnumExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "correlation 00000000-0000-0000-0000-000000000001: 2 requests, 1 succeeded, 1 failed, "
        "0 without a response, 1 dead letter, 2 duplicates",
        "",
        "request to node  2025-11-24T16:00:00.000Z  onex.acme.orders.cmd.v1[0]@0",
        "  replay 1  after 5 ms  onex.acme.orders.cmd.v1[0]@1",
        "  dead letter HANDLER_EXECUTION_ERROR at node: no luck  2026-11-22T12:00:00.000Z  "
        "onex.acme.orders.error.v1[0]@0",
        "  response of node: failed with HANDLER_EXECUTION_ERROR  after 20 ms  onex.acme.orders.evt.v1[0]@0",
        "    duplicate  after 10 ms  onex.acme.orders.evt.v1[0]@1",
        "    request to node  after 20 ms  onex.acme.orders.cmd.v1[0]@2",
        "      response of node: succeeded  after 20 ms  onex.acme.orders.evt.v1[0]@2",
    ]


def test_a_trace_as_json_has_the_tree_and_no_payload(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    run_trace(filled[0], UUID(int=1), None, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [(step["step"], step["below"]) for step in told["steps"]] == [(0, None), (1, 0), (2, 1), (3, 2)]
    assert [len(step["duplicates"]) for step in told["steps"]] == [1, 1, 0, 0]
    assert len(told["steps"][0]["dead_letters"]) == 1
    assert told["searched"][0] == {
        "topic": INPUT,
        "records": 3,
        "oldest": "2025-11-24T16:00:00.000Z",
    }
    assert "payload" not in json.dumps(told)


def test_an_id_that_is_nowhere_says_where_it_was_looked_for(
    filled: tuple[Desk, MemoryTopicLog], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_trace(filled[0], UUID(int=77), None, as_json=False) is EnumExitCode.ENVELOPE_FAILED
    out, err = capsys.readouterr()
    assert out == ""
    assert "onex.acme.orders.cmd.v1: 3 records, back to 2025-11-24T16:00:00.000Z" in err
    assert "removed by the topics' retention" in err
