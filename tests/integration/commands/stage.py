"""A contract with topics of its own on a real broker, dead letters in them, and the commands as processes."""

import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from omnibase_core.errors import EnvelopeValidationError
from omnibase_infra.config.files import load_contract_file
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.host.clock import utc_now
from omnibase_infra.host.messages import STAGE_DECODE, dead_letter_message
from omnibase_infra.wiring import build_topic_log
from omnibase_spi.event_bus import Delivery, Message, Source
from omnibase_spi.topic_log import ProtocolTopicLog, Record

from tests.infra.cli.desks import NODE
from tests.infra.cli.programs import Ended, program
from tests.integration.kafka.ground import create_topics

PARTITIONS: Final = 3
# Not long ago: brokers remove records by their time, and old ones within minutes.
STARTED_MS: Final = int(utc_now().timestamp() * 1_000) - 60_000


class Stage:
    """One contract and its topics. config: further fields of its bus, as lines of YAML."""

    def __init__(self, folder: Path, servers: str, config: str = "", name: str | None = None) -> None:
        self.name = name or f"t{uuid.uuid4().hex[:12]}"
        self.servers = servers
        self.input, self.output, self.dead = (
            f"onex.{self.name}.orders.{end}.v1" for end in ("cmd", "evt", "error")
        )
        (folder / "node.yaml").write_text(NODE)
        self.contract = folder / f"{uuid.uuid4().hex}.yaml"
        self.contract.write_text(
            f'schema_version: "1.0.0"\nruntime:\n  name: {self.name}\n  version: "1.0.0"\n  event_bus:\n'
            "    kind: kafka\n    config:\n"
            f"      bootstrap_servers: {servers}\n      consumer_group: {self.name}\n"
            f"      topics: {{input: {self.input}, output: {self.output}, dead_letter: {self.dead}}}\n"
            + "".join(f"      {line}\n" for line in config.splitlines())
            + "  handlers: []\n  nodes: [{slug: node}]\n"
        )
        self._loaded = load_contract_file(str(self.contract), {})
        self.log()  # imports the driver, which reads files

    async def create(self) -> None:
        """Creates the three topics, and returns when whoever asks sees them."""
        topics = {"input": self.input, "output": self.output, "dead_letter": self.dead}
        await create_topics(self.servers, topics, PARTITIONS)

    def log(self) -> ProtocolTopicLog:
        """The topics, nothing connected yet."""
        return build_topic_log(self._loaded, SecretResolver.of_environment({}))

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """A command as a process; CONTRACT in its arguments is this contract."""
        words = [str(self.contract) if word == "CONTRACT" else word for word in arguments]
        return subprocess.Popen(  # noqa: S603 - our own program
            program("onex-host", *words),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> Ended:
        """The same, to its end."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=100)
        return Ended(process.returncode, out, err)


def dead_letters(stage: Stage, count: int) -> Sequence[Message]:
    """As many dead letters as a host writes them: any bytes, and a tenth without a value."""
    return [
        dead_letter_message(
            Delivery(
                Source(stage.input, number % PARTITIONS, 0),
                number,
                b"" if number % 10 == 9 else b"\x00\x1b no envelope \xff %d" % number,
                number.to_bytes(4, "big") + b"\xff\x00",
                (("x-bytes", bytes([number % 256, 0, 255])), ("x-bytes", b"twice")),
                STARTED_MS + number,
                null=number % 10 == 9,
            ),
            EnvelopeValidationError("invalid UTF-8", path="$", offset=14),
            topic=stage.dead,
            group=stage.name,
            failed_at=utc_now(),
            stage=STAGE_DECODE,
            node=None,
            context=None,
        )
        for number in range(count)
    ]


async def everything_in(log: ProtocolTopicLog, topic: str) -> list[Record]:
    """Every record of a topic."""
    return [record async for batch in log.read(await log.extents([topic])) for record in batch]
