"""App-specific hosts for the tests of commands."""

import asyncio
import logging
import sys
from collections.abc import Mapping
from typing import ClassVar
from uuid import UUID

from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.runtime import ComputeFunction
from omnibase_infra.host.clock import utc_now
from omnibase_infra.host.process import BaseRuntimeHostProcess, Publish

COMPUTE = """\
schema_version: "1.0.0"
node_version: "1.0.0"
name: "calculator"
node_type: "COMPUTE"
input_model:
  name: "ModelIn"
  fields:
    - {name: "number", type: "integer"}
    - {name: "note", type: "string", required: false}
    - {name: "exact", type: "decimal", required: false}
    - {name: "flag", type: "boolean", required: false}
    - {name: "list", type: "list[integer]", required: false}
    - {name: "more", type: "any", required: false}
output_model: {name: "ModelOut", fields: [{name: "double", type: "integer"}, {name: "got", type: "object"}]}
"""
NOT_A_HOST = 7


def double(values: dict[str, object]) -> Mapping[str, object]:
    """Fails for 13, so that tests have a node that fails."""
    number = values["number"]
    assert isinstance(number, int)
    if number == 13:
        raise ValueError("unlucky")
    return {"double": 2 * number, "got": {name: str(value) for name, value in values.items()}}


class EndingHost(BaseRuntimeHostProcess):
    """Has nothing to do, and ends."""

    async def feed(self, publish: Publish) -> None:
        """Sends nothing."""


class CalculatorHost(BaseRuntimeHostProcess):
    """Doubles numbers."""

    compute_functions: ClassVar[Mapping[str, ComputeFunction]] = {"calculator": double}


class FeedingHost(CalculatorHost):
    """Sends three requests to itself and ends."""

    async def feed(self, publish: Publish) -> None:
        """Requests with the numbers 1, 2 and 3."""
        for number in (1, 2, 3):
            await publish(
                ModelOnexEnvelope(
                    envelope_id=UUID(int=number),
                    target_node="calculator",
                    payload={"number": number},
                    timestamp=utc_now(),
                )
            )

    def on_response(self, response: ModelOnexEnvelope) -> None:
        """Shows the result."""
        assert response.payload is not None
        sys.stdout.write(f"{response.payload['double']}\n")
        sys.stdout.flush()


class BrokenHost(CalculatorHost):
    """Has a defect."""

    async def feed(self, publish: Publish) -> None:
        """Fails."""
        raise KeyError("no more files")


class WaitingHost(CalculatorHost):
    """Says that it is up, and waits for a signal."""

    async def feed(self, publish: Publish) -> None:
        """Sends nothing."""
        sys.stdout.write("up\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


class TalkativeHost(WaitingHost):
    """Logs eight megabytes before it says that it is up."""

    async def feed(self, publish: Publish) -> None:
        """Sends nothing."""
        for _ in range(8_000):
            logging.getLogger("acme").info("x" * 1_000)
        await super().feed(publish)


class CrashingHost(WaitingHost):
    """Its main task fails once it runs."""

    async def stopping(self) -> None:
        """Fails."""
        if self.ready:
            raise ArithmeticError("one and one is three")
        await super().stopping()
