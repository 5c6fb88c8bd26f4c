"""Desks whose topics are in memory: what a command does with a broker, without one."""

import asyncio
from pathlib import Path
from typing import Final

from omnibase_core.codec import decode, encode
from omnibase_core.errors import HandlerExecutionError
from omnibase_infra.cli.broker import Desk
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.host.messages import response_message
from omnibase_spi.event_bus import Delivery, Source

from tests.fakes.memory_log import MemoryTopicLog
from tests.fakes.runtimes import NOW
from tests.infra.records.letters import DEAD, INPUT
from tests.infra.records.test_search import OUTPUT

NODE: Final = """
schema_version: "1.0.0"
node_version: "1.0.0"
name: "node"
node_type: "COMPUTE"
input_model: {name: "ModelIn", fields: [{name: "number", type: "integer"}]}
output_model: {name: "ModelOut", fields: [{name: "number", type: "integer"}]}
transform: {number: "${{ input.number }}"}
"""
_BUS: Final = (
    '{kind: kafka, config: {bootstrap_servers: "127.0.0.1:1", consumer_group: orders-host, '
    "topics: {input: %s, output: %s%s}}}"
)


def contract_with_kafka(folder: Path, *, dead_letter: str | None = DEAD) -> str:
    """A runtime contract of one node on a Kafka bus that nobody is behind."""
    (folder / "node.yaml").write_text(NODE)
    bus = _BUS % (INPUT, OUTPUT, f", dead_letter: {dead_letter}" if dead_letter else "")
    path = folder / "runtime.yaml"
    path.write_text(
        'schema_version: "1.0.0"\nruntime:\n  name: orders\n  version: "1.0.0"\n'
        f"  event_bus: {bus}\n  handlers: []\n  nodes: [{{slug: node}}]\n"
    )
    return str(path)


def desk_in(folder: Path, *, dead_letter: str | None = DEAD) -> tuple[Desk, MemoryTopicLog]:
    """The desk of such a contract, and its topics."""
    loaded = load_contract_file(contract_with_kafka(folder, dead_letter=dead_letter), {})
    log = MemoryTopicLog({INPUT: 1, OUTPUT: 1, DEAD: 1})
    return Desk(loaded, log, asyncio.Event()), log


def answer_everything(log: MemoryTopicLog) -> None:
    """Lets a host answer each request that is published: with its own payload, or a failure for number 13."""
    answered: list[int] = []

    def answer() -> None:
        for message in log.published[len(answered) :]:
            answered.append(1)
            request = decode(message.value)
            number = (request.payload or {}).get("number")
            reply = request.reply({"number": number}, timestamp=NOW)
            if number == 13:
                reply = request.failure(HandlerExecutionError("unlucky"), timestamp=NOW)
            delivery = Delivery(Source(INPUT, 0, 0), 0, message.value, message.key, message.headers, 0)
            response = response_message(encode(reply), reply.target_node, delivery, OUTPUT, None)
            log.add(OUTPUT, response.value, key=response.key, headers=response.headers)

    log.after_publish = answer
