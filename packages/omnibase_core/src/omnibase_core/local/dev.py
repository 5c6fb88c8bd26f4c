"""`omninode-runtime-host-dev`: a contract's nodes with local handlers, one request after the other, no bus."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import BinaryIO
from uuid import uuid4

from omnibase_core.codec import decode, encode
from omnibase_core.envelope import ModelEnvelopeError, ModelOnexEnvelope
from omnibase_core.errors import (
    EnvelopeValidationError,
    ProtocolConfigurationError,
    RuntimeHostError,
    shown,
)
from omnibase_core.local.contract import NAME, load_local_contract
from omnibase_core.local.handler import LocalHandler, utc_now
from omnibase_core.production import refuse_in_production
from omnibase_core.runtime import NodeInstance, NodeRuntime
from omnibase_core.verdict import admit, expired


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; its exit code is 1 where the environment, the contract or a file stands in the way, else 0.

    A request that fails is answered, so it changes no exit code. Misuse of the command exits with 2.
    """
    options = _parser().parse_args(arguments)
    try:
        _run(options.contract, options.file)
    except RuntimeHostError as error:
        sys.stderr.write(f"{type(error).__name__}: {error.message}\n")
        return 1
    except OSError as error:
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"{NAME}: {error.strerror}\n")
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        pass
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=NAME,
        description="Run the nodes of a contract with local handlers only. Requests are JSON lines, and so are "
        "the responses, on stdout.",
        epilog=f"Example: {NAME} contracts/local/runtime.yaml requests.jsonl",
    )
    parser.add_argument("contract", metavar="CONTRACT", help="a runtime contract whose handlers have type local")
    parser.add_argument("file", metavar="FILE", nargs="?", default="-", help="the requests; stdin if left out")
    return parser


def _run(path: str, requests: str) -> None:
    refuse_in_production(NAME, os.environ, "run the contract with onex-host")
    loaded = load_local_contract(path)
    contract = loaded.require()
    runtime = NodeRuntime()
    handlers = [(LocalHandler(), binding) for binding in contract.handlers if binding.enabled]
    with _opened(requests) as lines, asyncio.Runner() as runner:
        for handler, binding in handlers:
            runtime.register_handler(handler, binding.name)
            runner.run(handler.initialize(binding))
        for node in loaded.nodes.values():
            runtime.register_node(NodeInstance(node))
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    limit = contract.event_bus.max_envelope_bytes
                    response = runner.run(_answered(runtime, line.rstrip(b"\n"), number, limit))
                    sys.stdout.buffer.write(encode(response) + b"\n")
                    sys.stdout.buffer.flush()
        finally:
            for handler, _ in handlers:
                runner.run(handler.shutdown())


async def _answered(runtime: NodeRuntime, line: bytes, number: int, limit: int) -> ModelOnexEnvelope:
    try:
        request, deadline = admit(decode(line, limit), now=utc_now, monotonic=time.monotonic, new_id=uuid4)
    except EnvelopeValidationError as error:
        return ModelOnexEnvelope(
            envelope_id=uuid4(),
            timestamp=utc_now(),
            metadata={"line": number},
            is_response=True,
            success=False,
            error=ModelEnvelopeError.of(error),
        )
    try:
        if deadline is not None and time.monotonic() >= deadline:
            raise expired(request)
        payload, handler_type, operation = await runtime.route_envelope(request)
    except RuntimeHostError as error:
        return request.failure(error, timestamp=utc_now())
    return request.reply(payload, timestamp=utc_now(), handler_type=handler_type, operation=operation)


def _opened(requests: str) -> BinaryIO:
    if requests == "-":
        return sys.stdin.buffer
    try:
        return open(requests, "rb")
    except OSError as error:
        raise ProtocolConfigurationError(f"{shown(requests, 256)} could not be read: {error.strerror}") from None
