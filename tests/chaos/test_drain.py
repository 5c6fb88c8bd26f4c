"""The stop of a host: what is in flight is finished, what cannot be is given up and delivered again."""

import time
from collections.abc import Sequence
from pathlib import Path
from signal import SIGTERM
from typing import Final

import pytest

from tests.chaos.backlog import Answers, Request, Topics, Verdict, requests
from tests.chaos.running import Host, contract, ended
from tools.services.kafka import Kafka

IN_FLIGHT: Final = 200
GIVEN_UP: Final = 4
SLACK_S: Final = 4.0  # for the interpreter to end, on a machine that is busy
STUCK_MS: Final = 600_000


def finish(path: Path, folder: Path, topics: Topics, answers: Answers, asked: Sequence[Request]) -> Verdict:
    """Another host does what was left."""
    other = Host(path, folder / "other.log")
    with ended(other):
        answers.until_committed(other.alive)
        assert other.end(SIGTERM) == 0
    answers.take(1.0)
    return answers.verdict(asked)


@pytest.mark.slow
def test_what_is_in_flight_is_finished(kafka: Kafka, tmp_path: Path) -> None:
    topics = Topics.made(kafka.bootstrap_servers, 4)
    asked = [request._replace(work_ms=1_000 + request.work_ms) for request in requests(IN_FLIGHT, IN_FLIGHT)]
    topics.publish(asked)
    path = contract(tmp_path, topics)
    host = Host(path, tmp_path / "host.log")
    with ended(host), Answers(topics) as answers:
        answers.until_mark(1, host.alive)
        begun = time.monotonic()
        assert host.end(SIGTERM) == 0
        assert time.monotonic() - begun < 30
        answers.take(1.0)
        at_end = answers.verdict(asked)
        assert at_end.lost == topics.uncommitted()
        verdict = finish(path, tmp_path, topics, answers, asked)
    print(at_end, verdict)
    assert verdict.holds, verdict
    assert verdict.duplicates == 0


@pytest.mark.slow
def test_a_broker_that_is_down_does_not_hold_the_stop(breakable: Kafka, tmp_path: Path) -> None:
    topics = Topics.made(breakable.bootstrap_servers, 4)
    asked = requests(2_000, 40, slowest_ms=100)
    topics.publish(asked)
    path = contract(tmp_path, topics)
    host = Host(path, tmp_path / "host.log", grace_s=3.0)
    with ended(host), Answers(topics) as answers:
        answers.until_mark(200, host.alive)
        breakable.brokers[0].kill()
        begun = time.monotonic()
        assert host.end(SIGTERM) == GIVEN_UP
        took_s = time.monotonic() - begun
        breakable.brokers[0].restart()
        verdict = finish(path, tmp_path, topics, answers, asked)
    print(f"the stop took {took_s:.1f} s", verdict)
    assert took_s < 3.0 + SLACK_S
    assert verdict.holds, verdict


@pytest.mark.slow
def test_a_second_signal_ends_at_once(kafka: Kafka, tmp_path: Path) -> None:
    topics = Topics.made(kafka.bootstrap_servers, 1)
    asked = [request._replace(work_ms=5_000 * (request.sequence > 0)) for request in requests(5, 5)]
    topics.publish(asked)
    path = contract(tmp_path, topics)
    host = Host(path, tmp_path / "host.log")
    with ended(host), Answers(topics) as answers:
        answers.until_mark(1, host.alive)
        host.process.terminate()
        host.await_said('"host.signal"')
        begun = time.monotonic()
        assert host.end(SIGTERM) == GIVEN_UP
        assert time.monotonic() - begun < 2
        assert "second signal: ended at once" in host.said()
        assert finish(path, tmp_path, topics, answers, asked).holds


@pytest.mark.slow
def test_a_stuck_handler_is_given_up_and_named(kafka: Kafka, tmp_path: Path) -> None:
    topics = Topics.made(kafka.bootstrap_servers, 1)
    asked = [request._replace(work_ms=STUCK_MS * (request.sequence == 10)) for request in requests(20, 20)]
    topics.publish(asked)
    host = Host(contract(tmp_path, topics), tmp_path / "host.log", grace_s=1.0)
    with ended(host), Answers(topics) as answers:
        answers.until_mark(19, host.alive)
        begun = time.monotonic()
        assert host.end(SIGTERM) == GIVEN_UP
        took_s = time.monotonic() - begun
        verdict = answers.verdict(asked)
    print(f"the stop took {took_s:.1f} s", verdict)
    assert took_s < 8
    assert '"engine.gave_up"' in host.said()
    assert '"offset":10' in host.said()
    assert (verdict.lost, topics.uncommitted()) == (1, 10)
