"""`onex-host run` and `topics` as programs, on a real broker."""

import asyncio
import json
import signal
import subprocess
import uuid
from pathlib import Path

from omnibase_core.contracts.bindings import ModelEventBusBinding
from omnibase_core.contracts.load import LoadedContract
from omnibase_infra.config.files import load_contract_file

from tests.infra.cli.programs import NODE as CALCULATOR
from tests.infra.cli.programs import Ended, contract_in, program, run
from tests.integration.kafka.ground import committed, produce, records_of
from tools.services.kafka import Kafka

RUNTIME = """\
runtime:
  name: "doubles"
  version: "1.0.0"
  event_bus:
    kind: "kafka"
    config:
      bootstrap_servers: "SERVERS"
      consumer_group: "g-NAME"
      session_timeout_ms: 3000
      heartbeat_interval_ms: 300
      offset_reset: "RESET"
      topics:
        input: "onex.tNAME.x.cmd.v1"
        output: "onex.tNAME.x.evt.v1"
        dead_letter: "onex.tNAME.x.error.v1"
  handlers: []
  nodes: [{slug: "double"}]
"""
NODE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "double"
node_type: "COMPUTE"
input_model: {name: "ModelIn", fields: [{name: "n", type: "integer"}]}
output_model: {name: "ModelOut", fields: [{name: "n", type: "integer"}]}
transform: {n: "${{ multiply(input.n, `2`) }}"}
"""


def contract(folder: Path, kafka: Kafka, reset: str = "earliest") -> str:
    """A contract with topics and a group that nobody else has."""
    text = RUNTIME.replace("SERVERS", kafka.bootstrap_servers).replace("NAME", uuid.uuid4().hex[:8])
    return contract_in(folder, text.replace("RESET", reset), double=NODE)


def binding_of(path: str) -> ModelEventBusBinding:
    """What the contract says of its bus."""
    loaded: LoadedContract = load_contract_file(path, {})
    return loaded.require().event_bus


def request(number: int) -> bytes:
    """A request to the node."""
    return json.dumps(
        {
            "envelope_id": str(uuid.UUID(int=number + 1)),
            "target_node": "double",
            "payload": {"n": number},
            "timestamp": "2026-01-01T00:00:00Z",
        }
    ).encode()


def created(path: str) -> Ended:
    """Creates the topics."""
    ended = run("onex-host", "topics", "--create", "--partitions", "2", path)
    assert ended.code == 0, ended.stderr
    return ended


def test_three_commands_from_a_contract_to_answers_and_a_clean_stop(kafka: Kafka, tmp_path: Path) -> None:
    path = contract(tmp_path, kafka)
    binding = binding_of(path)
    assert created(path).stdout.count("created onex.t") == 3
    assert "every topic exists" in created(path).stdout
    checked = run("onex-host", "topics", "--check", path)
    assert f"{binding.topics.input}: 2 partitions" in checked.stdout
    asyncio.run(produce(binding, [request(number) for number in range(50)], keys=[b"a", b"b", b"c"]))
    with subprocess.Popen(  # noqa: S603 - our own program
        program("onex-host", "run", path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        responses = asyncio.run(records_of(binding, binding.topics.output, 50))
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 0, stderr
    numbers = [json.loads(record.value or b"")["payload"]["n"] for record in responses]
    assert sorted(numbers) == list(range(0, 100, 2))
    told = [json.loads(line) for line in stderr.splitlines()]
    assert {line["level"] for line in told if line["event"] != "contract.problem"} == {"INFO"}, stderr
    offsets = [asyncio.run(committed(binding, partition)) or 0 for partition in (0, 1)]
    assert sum(offsets) == 50


def test_topics_that_do_not_exist_are_exit_code_1_without_a_trace(kafka: Kafka, tmp_path: Path) -> None:
    ended = run("onex-host", "run", contract(tmp_path, kafka))
    assert ended.code == 1
    assert "Topics do not exist" in ended.stderr
    assert "kafka-topics.sh --bootstrap-server" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_bus_that_is_lost_for_good_is_exit_code_5(kafka: Kafka, tmp_path: Path) -> None:
    path = contract(tmp_path, kafka, reset="none")
    created(path)
    ended = run("onex-host", "run", path)
    assert ended.code == 5
    assert "the group has no committed offset, and offset_reset is none" in ended.stderr


def test_the_plan_needs_no_cluster_and_is_json_on_demand(tmp_path: Path) -> None:
    text = RUNTIME.replace("SERVERS", "nowhere:9092").replace("RESET", "earliest").replace("NAME", "1")
    path = contract_in(tmp_path, text, double=NODE)
    shown = run("onex-host", "topics", path)
    assert "dead_letter  onex.t1.x.error.v1: what is no envelope, as it came" in shown.stdout
    plan = json.loads(run("onex-host", "topics", "--json", "--replication-factor", "1", path).stdout)
    assert [topic["role"] for topic in plan["topics"]] == ["input", "output", "dead_letter"]
    assert plan["topics"][0]["settings"]["min.insync.replicas"] == "1"
    assert plan["topics"][0]["command"] in run("onex-host", "topics", "--replication-factor", "1", path).stdout


def test_a_contract_without_kafka_has_no_topics_to_create(tmp_path: Path) -> None:
    ended = run("onex-host", "topics", contract_in(tmp_path, calculator=CALCULATOR))
    assert ended.code == 1
    assert "set event_bus.kind to kafka" in ended.stderr
