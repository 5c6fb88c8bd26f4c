"""Each guard of tests/conftest.py, tripped on purpose."""

import asyncio
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from blockbuster import BlockingError

from tests.guards import Breaches, TaskInHandlerError, no_blocking_calls, no_task_of, threads_left
from tests.services import require_service

_HANDLER = """
import asyncio
import logging
import time


async def sleeps() -> None:
    time.sleep(0)


async def initialize() -> None:
    time.sleep(0)


async def reads() -> None:
    with open(__file__) as file:
        file.read()


async def logs() -> None:
    logging.getLogger("bad_handler").warning("slow disk")


async def swallows() -> None:
    try:
        time.sleep(0)
    except Exception:
        pass


async def creates() -> None:
    asyncio.create_task(asyncio.sleep(0))


async def gathers() -> None:
    await asyncio.gather(asyncio.sleep(0))


async def groups() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0))


async def asks(driver) -> None:
    await driver()
"""


@pytest.fixture
def handler(tmp_path: Path) -> ModuleType:
    """A handler with every bad habit, in a folder as ours."""
    folder = tmp_path / "omnibase_infra" / "handlers"
    folder.mkdir(parents=True)
    file = folder / "bad_handler.py"
    file.write_text(_HANDLER)
    spec = spec_from_file_location("bad_handler", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def seen() -> Breaches:
    """Breaches of the guards under test, apart from those of the session's."""
    return Breaches()


@pytest.fixture
def watched(handler: ModuleType, seen: Breaches, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The guards, over the folder of the bad handler."""
    monkeypatch.setitem(sys.modules, "bad_handler", handler)
    with no_blocking_calls(seen, ["bad_handler"]), no_task_of("omnibase_infra/handlers/", seen):
        yield


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["sleeps", "reads"])
async def test_a_blocking_call_on_the_loop_raises_and_is_recorded(
    name: str, handler: ModuleType, seen: Breaches, watched: None
) -> None:
    with pytest.raises(BlockingError):
        await getattr(handler, name)()
    assert "find the async way" in seen.take()[0]


@pytest.mark.asyncio
async def test_a_blocking_call_that_the_product_swallows_is_recorded_all_the_same(
    handler: ModuleType, seen: Breaches, watched: None
) -> None:
    await handler.swallows()
    assert len(seen.take()) == 1


@pytest.mark.asyncio
async def test_initialize_may_block(handler: ModuleType, seen: Breaches, watched: None) -> None:
    await handler.initialize()
    assert not seen.take()


@pytest.mark.asyncio
async def test_a_line_of_the_log_may_block(
    handler: ModuleType, seen: Breaches, watched: None, tmp_path: Path
) -> None:
    to_file = logging.FileHandler(tmp_path / "host.log")
    logging.getLogger("bad_handler").addHandler(to_file)
    await handler.logs()
    logging.getLogger("bad_handler").removeHandler(to_file)
    to_file.close()
    assert not seen.take()
    assert "slow disk" in (tmp_path / "host.log").read_text()


@pytest.mark.asyncio
async def test_what_the_test_itself_does_is_not_watched(tmp_path: Path, seen: Breaches, watched: None) -> None:
    time.sleep(0)  # noqa: ASYNC251 - the point of the test
    assert not seen.take()


def test_outside_a_running_loop_blocking_is_nobodys_business(
    handler: ModuleType, seen: Breaches, watched: None
) -> None:
    with pytest.raises(StopIteration):
        handler.sleeps().send(None)
    assert not seen.take()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["creates", "gathers"])
async def test_a_task_that_a_handler_creates_raises_and_is_recorded(
    name: str, handler: ModuleType, seen: Breaches, watched: None
) -> None:
    with pytest.raises(TaskInHandlerError):
        await getattr(handler, name)()
    assert "handlers create none" in seen.take()[0]


@pytest.mark.asyncio
async def test_a_task_group_in_a_handler_is_no_way_around(
    handler: ModuleType, seen: Breaches, watched: None
) -> None:
    with pytest.raises(ExceptionGroup):
        await handler.groups()
    assert len(seen.take()) == 1


@pytest.mark.asyncio
async def test_a_driver_that_a_handler_calls_may_create_tasks(
    handler: ModuleType, seen: Breaches, watched: None
) -> None:
    async def driver() -> None:
        await asyncio.create_task(asyncio.sleep(0))

    call: Callable[[], Awaitable[None]] = driver
    await handler.asks(call)
    assert not seen.take()


def test_a_thread_that_stays_is_reported_and_one_that_ends_is_not() -> None:
    before = frozenset(threading.enumerate())
    release = threading.Event()
    stays = threading.Thread(target=release.wait, name="stays")
    ends = threading.Thread(target=lambda: None, name="ends")
    stays.start()
    ends.start()
    try:
        assert threads_left(before, 0.05) == ["thread 'stays' was left running; the host is single-threaded"]
    finally:
        release.set()
        stays.join()


@pytest.mark.asyncio
async def test_the_thread_that_the_loop_resolves_names_with_is_allowed() -> None:
    before = frozenset(threading.enumerate())
    await asyncio.get_running_loop().run_in_executor(None, lambda: None)
    assert threads_left(before) == []


def test_a_missing_service_skips_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONEX_REQUIRE_SERVICES", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"needs kafka.*get it with: up kafka"):
        require_service("kafka", available=False, command="up kafka")


def test_a_missing_service_fails_where_all_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEX_REQUIRE_SERVICES", "1")
    with pytest.raises(pytest.fail.Exception, match="needs kafka"):
        require_service("kafka", available=False, command="up kafka")


def test_a_service_that_is_there_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONEX_REQUIRE_SERVICES", "1")
    require_service("kafka", available=True, command="up kafka")
