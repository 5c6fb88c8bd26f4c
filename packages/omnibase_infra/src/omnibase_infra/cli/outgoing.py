"""What `onex-host send` sends: lines or one typed request, all of it checked before anything is sent.

Imported within the command only.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

import click
from omnibase_core import suggest
from omnibase_core.codec import decode
from omnibase_core.contracts.fields import FieldMismatchError
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.contracts.runtime_host import ModelRuntimeHostContract
from omnibase_core.envelope import ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError

from omnibase_infra.cli.calling import request_to
from omnibase_infra.cli.command import counted
from omnibase_infra.host.clock import Clock
from omnibase_infra.records.sending import Request, request_of

MAX_BYTES: Final = 256 * 1024 * 1024
_SHOWN: Final = 10

Nodes = Mapping[str, ModelNodeContract]


class NodeOptions(NamedTuple):
    """What the options say of a request to one node; a correlation id of None is drawn."""

    payload: str | None = None
    operation: str | None = None
    ttl_s: float | None = None
    correlation_id: UUID | None = None


def outgoing(
    contract: ModelRuntimeHostContract,
    nodes: Nodes,
    what: Sequence[str],
    options: NodeOptions,
    *,
    check: bool,
    clock: Clock | None = None,
) -> Sequence[Request]:
    """The requests that the arguments name: a node with its values, or a file.

    A word that is a node's slug is the node; a file of that name is written ./name. Raises click.UsageError.
    """
    first, *values = what or ("-",)
    if first in nodes or values:
        if not check:
            raise click.UsageError("A request to NODE is typed by its contract; --no-check is for FILE")
        return [_to_node(nodes, first, values, options, clock or Clock())]
    if options != NodeOptions():
        raise click.UsageError(
            "--payload, --operation, --ttl and --correlation are for NODE; in FILE each envelope says it. "
            + suggest.hint(first, nodes, "The nodes are")
        )
    return requests_from(first, contract.event_bus.max_envelope_bytes, nodes if check else None)


def _to_node(nodes: Nodes, slug: str, values: Sequence[str], options: NodeOptions, clock: Clock) -> Request:
    request = request_to(
        nodes,
        slug,
        values,
        payload=options.payload,
        operation=options.operation,
        timeout_s=options.ttl_s,
        clock=clock,
    )
    envelope = request.correlated(options.correlation_id or clock.new_id())
    problem = _problem(envelope, nodes)
    if problem is not None:
        raise click.UsageError(problem)
    return request_of(envelope)


def requests_from(file: str, limit: int, nodes: Nodes | None) -> list[Request]:
    """The requests of a file of JSON lines, `-` for stdin.

    limit: bytes of an envelope. nodes: those that the requests must fit; None checks the envelopes alone.
    Raises click.UsageError that names file, line and what is wrong, for every line that is no request.
    """
    requests: list[Request] = []
    problems: list[str] = []
    for number, line in _lines(file, nodes or ()):
        try:
            envelope = decode(line, limit)
            problem = _problem(envelope, nodes)
        except EnvelopeValidationError as error:
            problem = error.message
        else:
            requests.append(Request(envelope, line, number))
        if problem is not None:
            problems.append(f"{'stdin' if file == '-' else file}:{number}: {problem}")
    if problems:
        more = f"\nand {counted(len(problems) - _SHOWN, 'more line')}" if len(problems) > _SHOWN else ""
        raise click.UsageError(
            f"{counted(len(problems), 'line')} cannot be sent; nothing was sent\n"
            + "\n".join(problems[:_SHOWN])
            + more
        )
    return requests


def _lines(file: str, nodes: Iterable[str]) -> Iterator[tuple[int, bytes]]:
    """Number and content of each line that is not blank."""
    if file == "-":
        if sys.stdin is None:
            raise click.UsageError("stdin is closed, and the envelopes come from there; open it, or name a FILE")
        yield from _bounded("stdin", sys.stdin.buffer)
        return
    if Path(file).is_dir():
        raise click.FileError(file, "it is a folder; name a file of JSON lines")
    try:
        with Path(file).open("rb") as opened:
            yield from _bounded(file, opened)
    except OSError as error:
        near = suggest.hint(file, nodes, "The nodes are")
        raise click.UsageError(f"'{file}' is neither a node nor a file: {error.strerror}. {near}") from None


def _bounded(name: str, source: BinaryIO) -> Iterator[tuple[int, bytes]]:
    size = 0
    for number, line in enumerate(source, 1):
        size += len(line)
        if size > MAX_BYTES:
            raise click.UsageError(
                f"{name} has more than {MAX_BYTES // 1024**2} MiB, all of which is checked before any is sent; "
                "split it"
            )
        if content := line.strip(b" \t\r\n"):
            yield number, content


def _problem(envelope: ModelOnexEnvelope, nodes: Nodes | None) -> str | None:
    """Why a host would refuse this envelope; None where it would not."""
    if envelope.is_response:
        return "$.is_response: a response is no request"
    if nodes is None:
        return None
    slug = envelope.target_node or ""
    node = nodes.get(slug)
    if node is None:
        return f"$.target_node: no node '{slug}'. {suggest.hint(slug, nodes, 'The nodes are')}"
    operations = [name for entry in node.io_operations for name in entry.operations]
    return _operation_problem(envelope, operations) or _payload_problem(envelope, node)


def _operation_problem(envelope: ModelOnexEnvelope, operations: Iterable[str]) -> str | None:
    known = list(operations)
    if envelope.operation is None:
        several = len(known) > 1
        return f"$.operation: name one of {', '.join(known)}" if several else None
    if envelope.operation in known:
        return None
    if not known:
        return f"$.operation: node '{envelope.target_node}' is a COMPUTE node and takes none"
    hint = suggest.hint(envelope.operation, known, "The operations are")
    return f"$.operation: no operation '{envelope.operation}'. {hint}"


def _payload_problem(envelope: ModelOnexEnvelope, node: ModelNodeContract) -> str | None:
    try:
        node.input.check(envelope.payload or {})
    except FieldMismatchError as error:
        return "; ".join(f"$.payload{'.' if path else ''}{path}: {sentence}" for path, sentence in error.problems)
    return None
