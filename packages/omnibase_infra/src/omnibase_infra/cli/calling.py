"""What `onex-host call` does: values to a payload, a request through a host, the response as text.

Imported within the command only.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

import click
from omnibase_core import suggest
from omnibase_core.codec import check_json
from omnibase_core.contracts.fields import FieldMismatchError, ModelField
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.envelope import JsonObject, ModelOnexEnvelope
from omnibase_core.errors import EnvelopeValidationError
from pydantic import JsonValue

from omnibase_infra.cli.hosting import abort
from omnibase_infra.cli.showing import Called
from omnibase_infra.host.clock import Clock
from omnibase_infra.host.process import BaseRuntimeHostProcess
from omnibase_infra.host.signals import stop_on_signals

_TEXTS = frozenset(("string", "decimal", "uuid", "date", "datetime"))
_EXAMPLES = MappingProxyType(
    {"integer": "3", "number": "1.5", "boolean": "true", "list": '["a", "b"]', "object": '{"a": 1}'}
)


def request_to(
    nodes: Mapping[str, ModelNodeContract],
    slug: str,
    values: Sequence[str],
    *,
    contract: str = "",
    payload: str | None = None,
    operation: str | None = None,
    timeout_s: float | None = None,
    clock: Clock | None = None,
) -> ModelOnexEnvelope:
    """The request to a node of the contract at this path.

    Raises click.UsageError for a node that is not there, and for what the node's input model does not take.
    """
    node = nodes.get(slug)
    if node is None:
        _refuse_node(slug, nodes, contract)
    given = {} if payload is None else _object("--payload", payload)
    for value in values:
        key, equals, text = value.partition("=")
        if not equals:
            raise click.UsageError(f"Values are written KEY=VALUE; got '{value}'. {_takes(node)}")
        given[key] = _typed(node, key, text)
    try:
        check_json(given)
        node.input.check(given)
    except FieldMismatchError as error:
        _refuse_fields(node, error)
    except EnvelopeValidationError as error:
        raise click.UsageError(error.message) from None
    chosen = clock or Clock()
    return ModelOnexEnvelope(
        envelope_id=chosen.new_id(),
        timestamp=chosen.now(),
        target_node=slug,
        operation=operation,
        payload=given,
        ttl_seconds=timeout_s,
    )


async def call_once(host: BaseRuntimeHostProcess, request: ModelOnexEnvelope) -> Called:
    """Sends the request through a host of its own; a signal ends it without a response."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    with stop_on_signals(stop.set, abort, final=True):
        async with host:
            started = loop.time()
            answer = asyncio.create_task(host.client.request(request), name="onex-call")
            stopping = asyncio.create_task(stop.wait(), name="onex-call-stop")
            try:
                await asyncio.wait({answer, stopping}, return_when=asyncio.FIRST_COMPLETED)
                return Called(await answer if answer.done() else None, (loop.time() - started) * 1_000)
            finally:
                answer.cancel()
                stopping.cancel()


def _typed(node: ModelNodeContract, key: str, text: str) -> JsonValue:
    field = node.input.fields.get(key)
    if field is None:
        raise click.UsageError(f"Node '{node.name}' has no input '{key}'. {_near(node, key)}{_takes(node)}")
    if field.type in _TEXTS:
        return text
    try:
        return _parsed(text)
    except ValueError:
        if field.type == "any":
            return text
        example = _EXAMPLES.get(field.type.partition("[")[0], _EXAMPLES["object"])
        raise click.UsageError(
            f"'{key}' ({field.type}) is written as JSON, such as {example}; got '{text}'"
        ) from None


def _refuse_node(slug: str, nodes: Mapping[str, ModelNodeContract], contract: str) -> NoReturn:
    beside = [Path(contract).parent / place for place in (f"nodes/{slug}.yaml", f"{slug}.yaml")]
    unlisted = next((place for place in beside if contract and place.is_file()), None)
    if unlisted is None:
        raise click.UsageError(f"No node '{slug}'. {suggest.hint(slug, nodes, 'The nodes are')}")
    raise click.UsageError(
        f"No node '{slug}' in {contract}, though {unlisted} is there: add `- slug: {slug}` to its nodes"
    )


def _object(name: str, text: str) -> JsonObject:
    try:
        value = _parsed(text)
    except ValueError as error:
        raise click.UsageError(f"{name} is no JSON: {error}") from None
    if not isinstance(value, dict):
        raise click.UsageError(f'{name} is a JSON object, such as {{"id": 7}}')
    return value


def _parsed(text: str) -> JsonValue:
    def refuse(name: str) -> NoReturn:
        raise ValueError(f"{name} is no JSON number")

    value: JsonValue = json.loads(text, parse_constant=refuse)
    return value


def _refuse_fields(node: ModelNodeContract, error: FieldMismatchError) -> NoReturn:
    problems = "; ".join(f"{path or 'the payload'} {sentence}" for path, sentence in error.problems)
    raise click.UsageError(f"{problems}. {_takes(node)}") from None


def _near(node: ModelNodeContract, key: str) -> str:
    near = suggest.closest(key, node.input.fields)
    return f"Did you mean '{near}'? " if near else ""


def _takes(node: ModelNodeContract) -> str:
    inputs = ", ".join(_described(field) for field in node.input.fields.values())
    return f"Node '{node.name}' takes {inputs or 'no input'}"


def _described(field: ModelField) -> str:
    return f"{field.name} ({field.type}{'' if field.required else ', optional'})"
