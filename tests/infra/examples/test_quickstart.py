"""The parts of the quickstart: its function, and the service that it calls."""

import asyncio
from decimal import Decimal

import pytest
from click.testing import CliRunner
from omnibase_infra.cli.main import onex_host
from omnibase_infra.examples.quickstart import FOLDER
from omnibase_infra.examples.quickstart.host import calculate_total
from omnibase_infra.examples.quickstart.models import ModelItem, ModelOrder, ModelTotal
from omnibase_infra.examples.quickstart.rates import Rates


@pytest.mark.parametrize(
    ("items", "rate", "pieces", "total"),
    [
        ([], "1", 0, "0.00"),
        ([("39.90", 2), ("4.95", 6)], "1.0837", 8, "118.67"),
        ([("0.1", 3)], "1", 3, "0.30"),
    ],
)
def test_totals_are_exact(items: list[tuple[str, int]], rate: str, pieces: int, total: str) -> None:
    order = ModelOrder(
        items=[ModelItem(name="thing", price=Decimal(price), quantity=quantity) for price, quantity in items],
        rate=Decimal(rate),
    )
    assert calculate_total(order) == ModelTotal(pieces=pieces, total=Decimal(total))


def test_its_models_are_those_of_the_contract() -> None:
    arguments = ["models", str(FOLDER / "nodes/calculate_total.yaml"), "--check", str(FOLDER / "models.py")]
    assert CliRunner().invoke(onex_host, arguments).exit_code == 0


async def exchanged(service: Rates, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(service.url.rpartition(":")[2]))
    writer.write(sent)
    writer.write_eof()
    received = await reader.read()
    writer.close()
    await writer.wait_closed()
    return received


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/rates/EUR", b"200 OK", b'{"currency": "EUR", "rate": "1.0837"}'),
        ("/rates/ABC", b"404 Not Found", b'{"known": ["EUR", "JPY"]}'),
        ("/", b"404 Not Found", b'{"known": ["EUR", "JPY"]}'),
    ],
)
@pytest.mark.asyncio
async def test_the_service_knows_some_rates(path: str, status: bytes, body: bytes) -> None:
    async with Rates() as service:
        answer = await exchanged(service, f"GET {path} HTTP/1.1\r\nhost: here\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert answer.endswith(b"\r\n\r\n" + body)


@pytest.mark.parametrize("garbage", [b"", b"GET", b"\r\n\r\n", b"GET \xff HTTP/1.1\r\n\r\n", b"x" * 100_000])
@pytest.mark.asyncio
async def test_garbage_is_not_answered(garbage: bytes) -> None:
    async with Rates() as service:
        assert await exchanged(service, garbage) == b""
        assert (await exchanged(service, b"GET /rates/JPY HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")
