"""A project that writes a host, handlers and COMPUTE functions, checked with the built wheels only."""

import json
import threading
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import pytest

from tests.downstream.project import SAMPLE, Project

_TYPE_ONLY: Final = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import "
_COMPUTE: Final = "acme_orders/compute/order_total.py"
_WAREHOUSE: Final = "acme_orders/handlers/warehouse.py"
_HOST: Final = ("--host", "acme_orders.host:OrdersHost")
_VIOLATIONS: Final = [
    ("rooms", "acme_orders/money.py", "import acme_orders.compute.order_total_models"),
    ("rooms", _COMPUTE, "import acme_orders.handlers.ledger"),
    ("compute-is-pure", _COMPUTE, "import random"),
    ("compute-is-pure", _COMPUTE, "import numpy"),
    ("compute-is-pure", _COMPUTE, f"{_TYPE_ONLY}omnibase_infra"),
    ("compute-reaches-no-transport", _COMPUTE, "import httpx"),
    ("compute-reaches-no-transport", "acme_orders/money.py", "import subprocess"),
    ("compute-reaches-no-transport", "acme_orders/money.py", f"{_TYPE_ONLY}asyncpg"),
    ("handlers-know-core-and-spi", _WAREHOUSE, "from omnibase_infra.transports.http import HttpTransport"),
    ("handlers-know-core-and-spi", _WAREHOUSE, "import acme_orders.money"),
    ("handlers-are-siblings", _WAREHOUSE, "import acme_orders.handlers.ledger"),
    ("asyncpg-owner", _WAREHOUSE, f"{_TYPE_ONLY}asyncpg"),
    ("httpx-owner", "acme_orders/host.py", "import httpx"),
    ("no-other-driver", "acme_orders/handlers/ledger.py", "def later():\n    import redis"),
    ("host-names-handlers", _COMPUTE, "from acme_orders.handlers import warehouse"),
]


def contracts() -> ConfigParser:
    """The contracts of the sample."""
    parser = ConfigParser()
    parser.read(SAMPLE / ".importlinter")
    return parser


@contextmanager
def warehouse() -> Iterator[str]:
    """A server that has 7 pieces of everything; its address."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"pieces": 7, "path": self.path}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            serving.join()


def test_the_sample_keeps_every_contract(project: Project) -> None:
    ended = project.run(["lint-imports", "--no-logo"])
    assert ended.code == 0, ended.out
    assert "Contracts: 9 kept, 0 broken." in ended.out


def test_every_contract_of_the_sample_has_a_violation_here() -> None:
    named = {section.rpartition(":")[2] for section in contracts().sections() if ":" in section}
    assert {contract for contract, _, _ in _VIOLATIONS} == named


@pytest.mark.parametrize(("contract", "file", "code"), _VIOLATIONS)
def test_a_violation_breaks_its_contract_which_says_what_to_do_instead(
    contract: str, file: str, code: str, project: Project
) -> None:
    with project.changed(file, "", f"{code}\n"):
        ended = project.run(["lint-imports", "--no-logo", "--contract", contract])
    assert ended.code == 1
    assert "0 kept, 1 broken." in ended.out, ended.out
    guidance = contracts()[f"importlinter:contract:{contract}"]["broken_contract_guidance"]
    assert " ".join(guidance.split()) in ended.out


def test_a_new_module_must_be_given_its_place(project: Project) -> None:
    with project.changed("acme_orders/__init__.py", "", ""):
        stray = project.folder / "acme_orders" / "stray.py"
        stray.write_text("")
        ended = project.run(["lint-imports", "--no-logo", "--contract", "rooms"])
        stray.unlink()
    assert ended.code == 1
    assert "acme_orders.stray" in ended.out


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("apart_from =", "apart_form =", "apart_form: Unrecognized option. Did you mean 'apart_from'?"),
        (
            "modules = acme_orders.compute",
            "modules = acme_orders.compte",
            "Contract \"COMPUTE functions reach no transport\": modules: there is no module 'acme_orders.compte'",
        ),
        ("modules = acme_orders.compute", "modules =", "modules: It names no module"),
        ("NoTransportsContract", "NoTransportContract", "NoTransportContract"),
    ],
)
def test_what_is_misspelt_in_importlinter_is_named(right: str, wrong: str, said: str, project: Project) -> None:
    with project.changed(".importlinter", right, wrong):
        ended = project.run(["lint-imports", "--no-logo"])
    assert ended.code == 1
    assert said in ended.out
    assert "Traceback" not in ended.out


def test_without_the_extra_the_contract_types_say_what_to_install(project: Project) -> None:
    code = "import sys; sys.modules['importlinter'] = None; import omnibase_core_lint"
    ended = project.run(["python", "-c", code])
    assert ended.code == 1
    assert 'install it with: pip install "omnibase-core[lint]"' in ended.out


def test_the_types_of_the_wheels_hold_the_sample_in_strict_mode(project: Project) -> None:
    ended = project.run(["mypy"])
    assert ended.code == 0, ended.out
    with project.changed("acme_orders/host.py", '"ledger": LedgerHandler', '"ledger": str'):
        ended = project.run(["mypy"])
    assert ended.code == 1
    assert "ProtocolHandler" in ended.out


def test_the_contracts_of_the_sample_are_valid(project: Project) -> None:
    ended = project.run(["onex-host", "validate", "contracts"], {"WAREHOUSE_URL": "http://127.0.0.1:1"})
    assert (ended.code, ended.out) == (0, "4 files, 0 problems")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (["order_total", 'items=[{"price": "9.99", "quantity": 3}]', "discount=10"], "total: 26.97"),
        (["stock_level", "sku=lamp"], "pieces: 7"),
    ],
)
def test_a_call_goes_through_the_functions_and_handlers_of_the_sample_s_host(
    call: list[str], said: str, project: Project
) -> None:
    with warehouse() as url:
        secrets = {"WAREHOUSE_URL": url, "ONEX_SECRET_LEDGER_DSN": "postgresql://nobody@127.0.0.1:1/none"}
        ended = project.run(["onex-host", "call", "contracts/runtime.yaml", *call, *_HOST], secrets)
    assert ended.code == 0, ended.out
    assert said in ended.out
