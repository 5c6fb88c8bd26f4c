"""The doors of core and of the handlers: what lint refuses there, and what lint cannot see and a test refuses."""

import ast
import json
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.architecture.source import ROOT, Module, calls, command, modules

_CORE: Final = "packages/omnibase_core/src/omnibase_core/planted.py"
_LOCAL: Final = "packages/omnibase_core/src/omnibase_core/local/planted.py"
_HANDLERS: Final = "packages/omnibase_infra/src/omnibase_infra/handlers/planted.py"

_BUILTINS: Final = {"open", "input", "print", "exec", "eval", "compile", "__import__", "breakpoint"}
_LOOP_METHODS: Final = {
    "create_task",
    "ensure_future",
    "run_in_executor",
    "set_default_executor",
    "run_until_complete",
    "run_coroutine_threadsafe",
    "call_soon_threadsafe",
    "to_thread",
}
_FILE_METHODS: Final = {"read_text", "read_bytes", "write_text", "write_bytes"}


def refused_by_ruff(path: str, code: str) -> Sequence[str]:
    """What ruff says of `code`, as if it stood at `path`: one `RULE message` for each finding."""
    done = subprocess.run(  # noqa: S603 - a fixed command
        [command("ruff"), "check", "--no-cache", "--output-format", "json", "--stdin-filename", path, "-"],
        input=code,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return [f"{finding['code']} {finding['message']}" for finding in json.loads(done.stdout)]


def refused_by_sight(module: Module, methods: set[str]) -> Iterator[str]:
    """Calls of bare builtins, and of methods by their name, whatever they are called on."""
    for line, name in calls(module):
        first, _, last = name.rpartition(".")
        if (not first and last in _BUILTINS) or (first and last in methods):
            yield f"{module.name}:{line} calls {name}"


def planted(code: str) -> Module:
    """A module that is nowhere."""
    return Module("planted", Path("planted.py"), code, ast.parse(code))


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("import asyncio", "leave tasks, locks and timeouts to the host"),
        ("import threading", "one asyncio loop"),
        ("from concurrent.futures import ThreadPoolExecutor", "one asyncio loop"),
        ("import subprocess", "a handler of infra performs it"),
        ("import socket", "a transport of infra owns the wire"),
        ("import urllib.request", "a transport of infra owns the wire"),
        ("import importlib", "passed in or imported at the top"),
        ("from pathlib import Path", "parses text that it is given"),
        ("from io import open as reads", "parses text that it is given"),
        ("import builtins\nbuiltins.open('x')", "parses text that it is given"),
        ("import os\nos.environ['X']", "infra's config room does"),
        ("from os import getenv", "infra's config room does"),
        ("import time\ntime.time()", "take `now`"),
        ("from time import monotonic", "take `now`"),
        ("import datetime\ndatetime.datetime.now(datetime.UTC)", "take `now`"),
        ("from datetime import datetime\ndatetime.utcnow()", "take `now`"),
        ("from datetime import date\ndate.today()", "take the date"),
        ("from uuid import uuid4", "derive it with uuid5"),
        ("import uuid\nuuid.uuid1()", "derive it with uuid5"),
        ("import random", "take the random number"),
        ("import secrets", "take the value"),
        ("import logging", "the host logs it"),
        ("import sys\nsys.exit(1)", "the CLI does"),
        ("from unittest.mock import Mock", "Write a fake"),
        ("print('x')", "`print` found"),
    ],
)
def test_core_refuses_and_says_what_to_do_instead(code: str, advice: str) -> None:
    assert any(advice in finding for finding in refused_by_ruff(_CORE, code)), code


@pytest.mark.parametrize(
    "code", ["from uuid import UUID, uuid5", "from datetime import UTC, datetime", "from decimal import Decimal"]
)
def test_core_may_use_values(code: str) -> None:
    assert not any(finding.startswith("TID251") for finding in refused_by_ruff(_CORE, code))


def test_the_local_room_of_core_may_use_the_world() -> None:
    code = "import asyncio\nimport os\nimport time\n"
    assert not any(finding.startswith("TID251") for finding in refused_by_ruff(_LOCAL, code))


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        ("import asyncio\nasyncio.create_task(work())", "the host owns all concurrency"),
        ("from asyncio import create_task", "the host owns all concurrency"),
        ("import asyncio\nasyncio.ensure_future(work())", "the host owns all concurrency"),
        ("from asyncio import TaskGroup", "the host owns all concurrency"),
        (
            "import asyncio\nasync def f() -> None:\n    await asyncio.gather(a(), b())",
            "the host owns all concurrency",
        ),
        ("import asyncio\nasync def f() -> None:\n    await asyncio.wait_for(a(), 1)", "asyncio.timeout"),
        ("import asyncio\nasync def f() -> None:\n    await asyncio.to_thread(work)", "find the async call"),
        ("import threading", "find the async call"),
        ("from concurrent.futures import ThreadPoolExecutor", "find the async call"),
        ("import multiprocessing", "one process with one loop"),
        ("import importlib\nimportlib.import_module('x')", "wiring.py names what a host is made of"),
        ("import time\ntime.sleep(1)", "asyncio.sleep"),
        ("from time import sleep", "asyncio.sleep"),
        ("import os\nos.getenv('X')", "what the contract and its secrets say"),
        ("from os import environ", "what the contract and its secrets say"),
        ("import requests", "async client"),
        ("from urllib.request import urlopen", "async client"),
        ("import subprocess\nsubprocess.run(['ls'])", "waiting for one blocks every node"),
        ("from pathlib import Path", "config/ reads them"),
        ("import builtins\nbuiltins.open('x')", "config/ reads them"),
        ("import socket", "transports own the wire"),
        ("print('x')", "`print` found"),
        ("try:\n    work()\nexcept Exception:\n    pass", "blind exception"),
    ],
)
def test_handlers_refuse_and_say_what_to_do_instead(code: str, advice: str) -> None:
    assert any(advice in finding for finding in refused_by_ruff(_HANDLERS, code)), code


@pytest.mark.parametrize(
    "code",
    ["import asyncio\nasync def f() -> None:\n    async with asyncio.timeout(1):\n        await asyncio.sleep(1)"],
)
def test_handlers_may_await(code: str) -> None:
    assert not any(finding.startswith("TID251") for finding in refused_by_ruff(_HANDLERS, code))


@pytest.mark.parametrize(
    "code",
    [
        "open('x')",
        "def f():\n    with open('x') as file:\n        pass",
        "exec('x')",
        "eval('x')",
        "__import__('asyncpg')",
        "input()",
        "loop.create_task(work())",
        "self.group.create_task(work())",
        "asyncio.get_running_loop().run_in_executor(None, work)",
        "path.read_text()",
    ],
)
def test_a_bare_builtin_or_a_method_of_the_loop_is_seen(code: str) -> None:
    assert list(refused_by_sight(planted(code), _LOOP_METHODS | _FILE_METHODS))


@pytest.mark.parametrize("code", ["self.open()", "re.compile('x')", "text.format()", "opened = reopen(x)"])
def test_what_only_sounds_like_it_is_left_alone(code: str) -> None:
    assert not list(refused_by_sight(planted(code), _LOOP_METHODS | _FILE_METHODS))


def test_core_calls_no_builtin_that_does_io() -> None:
    rooms = [module for module in modules("omnibase_core") if not module.name.startswith("omnibase_core.local")]
    assert rooms
    assert [call for module in rooms for call in refused_by_sight(module, _LOOP_METHODS | _FILE_METHODS)] == []


def test_handlers_call_no_builtin_that_does_io_and_no_method_that_makes_tasks_or_threads() -> None:
    rooms = modules("omnibase_infra.handlers")
    assert rooms
    assert [call for module in rooms for call in refused_by_sight(module, _LOOP_METHODS | _FILE_METHODS)] == []


def test_handlers_import_nothing_by_name_and_nothing_late() -> None:
    late = [
        f"{module.name}:{statement.lineno}"
        for module in modules("omnibase_infra.handlers")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for statement in ast.walk(node)
        if isinstance(statement, ast.Import | ast.ImportFrom)
    ]
    assert late == []


@pytest.mark.parametrize("room", ["packages/omnibase_core", "packages/omnibase_infra/src/omnibase_infra/handlers"])
def test_the_bans_of_a_room_are_not_switched_off_inside(room: str) -> None:
    silenced = [
        str(path.relative_to(ROOT))
        for path in (ROOT / room).rglob("*.py")
        if any("noqa" in line and "TID251" in line for line in path.read_text().splitlines())
    ]
    assert silenced == []
