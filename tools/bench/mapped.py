"""A mapped node against the same node passed through, and an expression against the library that parses it."""

import asyncio
from time import perf_counter
from typing import Final

import jmespath
from omnibase_core.contracts.load import LoadedContract
from omnibase_core.envelope import JsonObject
from omnibase_core.mapping.expression import compile_tree
from omnibase_core.mapping.tree import parse
from omnibase_infra.config.secrets import SecretResolver
from omnibase_infra.handlers.http_handler import HttpHandler
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts
from omnibase_infra.transports.exchange import HttpAnswer, HttpRequest
from omnibase_infra.transports.http import HttpTransport
from omnibase_infra.wiring import build_host

from tools.bench.contracts import contract, envelope
from tools.bench.memory import seconds_through
from tools.bench.node_kinds import PLACED, POSTED, SHOP
from tools.bench.report import Goal, Row, compared
from tools.bench.rounds import Effort, interleaved

_NODE: Final = "place_order"
_EXPRESSION: Final = "result.rows[0].id"
_ITEMS: Final[list[JsonObject]] = [{"sku": f"SKU-{number:06}", "quantity": number + 1} for number in range(3)]
_TYPED: Final[JsonObject] = {
    "customer": "c-4711",
    "reference": "2026-000123",
    "amount": "129.90",
    "express": True,
    "items": [*_ITEMS],
}
_RAW: Final[JsonObject] = {
    "url": "/customers/c-4711/orders",
    "headers": {"X-Reference": "2026-000123"},
    "body": {
        "reference": "2026-000123",
        "amount": "129.90",
        "express": True,
        "currency": "EUR",
        "items": [*_ITEMS],
    },
}
_ANSWER: Final = HttpAnswer(
    201,
    (("content-type", "application/json"), ("date", "Sun, 22 Nov 2026 13:00:00 GMT"), ("server", "shop")),
    b'{"id":"o-2026-000123","status":"accepted","total":"129.90","links":{"self":"/orders/o-2026-000123"}}',
)


class _Answering(HttpTransport):
    """A transport that has its answer at once; nothing else of it is faked."""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        return _ANSWER


class _ShopHost(BaseRuntimeHostProcess):
    """A host whose http handler has that transport."""

    def __init__(self, parts: HostParts) -> None:
        for guard, _ in parts.handlers:
            guard.handler = HttpHandler(_Answering, parts.clock.now)
        super().__init__(parts)


def mapped(effort: Effort) -> list[Row]:
    """Envelopes a second of a POST through the whole host: built by the contract, or written by the caller."""
    count = effort.count(10_000)
    records = {
        name: [envelope(number, _NODE, payload) for number in range(count)]
        for name, payload in (("mapped", _TYPED), ("passed", _RAW))
    }
    with contract({_NODE: PLACED}, {}, SHOP[:1]) as built, contract({_NODE: POSTED}, {}, SHOP[:1]) as written:
        found = interleaved(
            effort,
            {
                "mapped": lambda: asyncio.run(seconds_through(_shop(built), records["mapped"])),
                "passed": lambda: asyncio.run(seconds_through(_shop(written), records["passed"])),
            },
        )
    rates = {name: [count / seconds for seconds in values] for name, values in found.items()}
    return [compared("mapped.http", "/s", rates["mapped"], rates["passed"], Goal(0.6, 0.8, "higher"))]


def expression(effort: Effort) -> list[Row]:
    """Evaluations a second, the expression compiled once."""
    count = effort.count(100_000)
    scope = {"result": {"rows": [{"id": 7, "customer": "Ada"}, {"id": 8, "customer": "Grace"}], "row_count": 2}}
    closure, searched = compile_tree(parse(_EXPRESSION)), jmespath.compile(_EXPRESSION)
    if closure(scope, scope) != searched.search(scope):
        raise RuntimeError("the two evaluations differ")

    def ours() -> float:
        start = perf_counter()
        for _ in range(count):
            closure(scope, scope)
        return perf_counter() - start

    def theirs() -> float:
        start = perf_counter()
        for _ in range(count):
            searched.search(scope)
        return perf_counter() - start

    found = interleaved(effort, {"ours": ours, "library": theirs})
    rates = {name: [count / seconds for seconds in values] for name, values in found.items()}
    return [compared("expression.path", "/s", rates["ours"], rates["library"], Goal(3.0, 8.0, "higher"))]


def _shop(loaded: LoadedContract) -> BaseRuntimeHostProcess:
    return build_host(loaded, SecretResolver.of_environment({}), host=_ShopHost)
