"""`onex-host demo`: the two-command promise."""

import re
import shlex
import subprocess

import pytest
from omnibase_core.codec import decode
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.examples.quickstart import CONTRACT, REQUESTS

from tests.infra.cli.programs import Ended, program, read_until, run


@pytest.fixture(scope="module")
def demo() -> Ended:
    return run("onex-host", "demo")


def test_the_demo_needs_nothing_and_goes_as_planned(demo: Ended) -> None:
    assert (demo.code, demo.stderr) == (0, "")


def test_each_request_is_shown_with_its_response(demo: Ended) -> None:
    titles = re.findall(r"^(\d)\. ", demo.stdout, flags=re.MULTILINE)
    outcomes = re.findall(r"^   ← \w+ (succeeded|failed) in [\d.]+ ms$", demo.stdout, flags=re.MULTILINE)
    assert titles == ["1", "2", "3", "4", "5"]
    assert outcomes == ["succeeded"] * 4 + ["failed"]


def test_an_http_node_database_nodes_and_a_compute_function_are_part_of_it(demo: Ended) -> None:
    shown = re.findall(r"^   → (.*)$", demo.stdout, flags=re.MULTILINE)
    assert shown == [
        "get_rate, EFFECT (http.get)",
        "calculate_total, COMPUTE",
        "store_order, EFFECT (db.execute)",
        "find_orders, EFFECT (db.query)",
        "calculate_total, COMPUTE",
    ]


def test_values_go_from_one_node_to_the_next_without_loss(demo: Ended) -> None:
    assert "     rate: 1.0837\n" in demo.stdout
    assert "     total: 118.67\n" in demo.stdout
    assert 'orders: [{"id": 1, "customer": "Ada", "total": "118.67"}]' in demo.stdout


def test_what_is_wrong_on_purpose_says_where(demo: Ended) -> None:
    assert "ENVELOPE_VALIDATION_ERROR (trying again will not help)" in demo.stdout
    assert "$.payload.items[0].quantity: must be an integer, not a string" in demo.stdout


def test_what_it_says_to_try_next_works(demo: Ended) -> None:
    advice = demo.stdout.partition("What to try next:")[2].replace("\\\n", " ")
    commands = [shlex.split(line.strip()) for line in re.findall(r"onex-host (.*)$", advice, flags=re.MULTILINE)]
    assert [command[0] for command in commands] == ["validate", "call", "pipe"]
    validated, called, piped = (run("onex-host", *command) for command in commands)
    assert validated == (0, "5 files, 0 problems\n", "")
    assert (called.code, called.stderr) == (0, "")
    assert "total: 79.80" in called.stdout
    assert piped.code == 3
    assert "4 envelopes: 3 succeeded, 1 failed" in piped.stderr


def test_a_signal_ends_it_cleanly() -> None:
    with subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "demo"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        read_until(process.stdout, "is up with")
        process.terminate()
        process.stdout.read()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0


def test_the_quickstart_is_a_sound_contract() -> None:
    loaded = load_contract_file(str(CONTRACT), {})
    assert loaded.problems == ()
    assert sorted(loaded.nodes) == ["calculate_total", "find_orders", "get_rate", "store_order"]


def test_its_requests_are_envelopes_for_its_nodes() -> None:
    nodes = load_contract_file(str(CONTRACT), {}).nodes
    requests = [decode(line) for line in REQUESTS.read_bytes().splitlines()]
    assert {request.target_node for request in requests} <= set(nodes)
    assert len({request.envelope_id for request in requests}) == len(requests)
