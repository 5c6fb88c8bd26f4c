"""What a page, and `onex-host call --dev`, ask of `onex-host dev`: how it stands, and to call a node.

Imported within commands only.
"""

import asyncio
import json
import os

import click
from omnibase_core.codec import encode
from omnibase_core.contracts.node import ModelNodeContract
from omnibase_core.errors import RuntimeHostError
from pydantic import JsonValue, ValidationError

from omnibase_infra.admin.health import json_answer
from omnibase_infra.admin.same_origin import of_this_origin
from omnibase_infra.admin.server import Answer, Page, Request
from omnibase_infra.cli.calling import request_to
from omnibase_infra.cli.dev_models import ModelDevAnswer, ModelDevCall
from omnibase_infra.cli.samples import sample_values
from omnibase_infra.cli.showing import shown_response
from omnibase_infra.cli.wirings import Fault, Wirings


def state_page(wirings: Wirings) -> Page:
    """How development stands: the nodes that can be called, and why the last change does not run."""

    async def state(_: Request) -> Answer:
        return json_answer(200, _state(wirings))

    return state


def call_page(wirings: Wirings) -> Page:
    """Takes a ModelDevCall, gives a ModelDevAnswer: 200 with a response, 400 where no request could be made of it,
    409 where another contract is meant, 503 where no host is there yet, or it stopped first."""
    contract = os.path.realpath(wirings.contract)

    async def call(request: Request) -> Answer:
        status, answer = await _called(wirings, contract, request.body)
        return Answer(status, answer.model_dump_json().encode())

    return of_this_origin(call)


async def _called(wirings: Wirings, contract: str, body: bytes) -> tuple[int, ModelDevAnswer]:
    try:
        asked = ModelDevCall.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return 400, ModelDevAnswer(refusal=f"This is no call: {place}: {first['msg']}")
    if asked.contract not in (None, contract):
        return 409, ModelDevAnswer(
            refusal=f"The dev host here runs {contract}. Start one for this contract with "
            "'onex-host dev CONTRACT --http PORT', and give the same --http to call"
        )
    if not wirings.has_served:
        why = "it is starting" if wirings.fault is None else wirings.fault.text
        return 503, ModelDevAnswer(refusal=f"The dev host runs nothing yet: {why}")
    wiring = wirings.current
    try:
        request = request_to(
            wiring.loaded.nodes,
            asked.node,
            asked.values,
            contract=wirings.contract,
            payload=asked.payload,
            operation=asked.operation,
            timeout_s=asked.timeout_s,
        )
    except click.UsageError as error:
        return 400, ModelDevAnswer(refusal=error.format_message())
    clock = asyncio.get_running_loop().time
    begun = clock()
    try:
        response = await wiring.host.client.request(request)
    except RuntimeHostError as error:
        return 503, ModelDevAnswer(refusal=error.message)
    elapsed_ms = (clock() - begun) * 1_000
    envelope = encode(response).decode()
    return 200, ModelDevAnswer(
        envelope=envelope,
        success=response.error is None,
        elapsed_ms=round(elapsed_ms, 1),
        readable=shown_response(response, elapsed_ms),
        pretty=json.dumps(json.loads(envelope), ensure_ascii=False, indent=2),
    )


def _state(wirings: Wirings) -> dict[str, JsonValue]:
    wiring = wirings.current
    contract = wiring.loaded.require()
    nodes: list[JsonValue] = [_node(node) for node in wiring.loaded.nodes.values()]
    embedded: list[JsonValue] = list(wiring.embedded)
    return {
        "contract": wirings.contract,
        "name": contract.name,
        "version": contract.version,
        "serving": not wirings.is_over,
        "reloads": wirings.reloads,
        "bus_of_contract": contract.event_bus.kind,
        "embedded_postgres": embedded,
        "fault": wirings.fault and _fault(wirings.fault),
        "nodes": nodes,
    }


def _fault(fault: Fault) -> dict[str, JsonValue]:
    problems: list[JsonValue] = [problem.model_dump(mode="json") for problem in fault.problems]
    return {"text": fault.shown(), "problems": problems}


def _node(node: ModelNodeContract) -> JsonValue:
    samples = sample_values(node)
    fields: list[JsonValue] = [
        {**field.model_dump(mode="json"), "sample": samples.get(field.name)} for field in node.input_model.fields
    ]
    operations: list[JsonValue] = [name for entry in node.io_operations for name in entry.operations]
    return {
        "slug": node.name,
        "node_type": node.node_type.value,
        "description": node.description,
        "operations": operations,
        "passes_through": any(entry.request is None for entry in node.io_operations),
        "fields": fields,
    }
