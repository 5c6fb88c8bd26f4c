"""A real browser for tests of pages, and a host that serves them from a loop of its own meanwhile."""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Final, TypeVar

import pytest
from omnibase_infra.admin.console import Console, page_files
from omnibase_infra.admin.door import Door, FindToken
from omnibase_infra.admin.pages import pages_of
from omnibase_infra.admin.server import AdminServer
from omnibase_infra.host.process import BaseRuntimeHostProcess, HostParts

from tests.services import require_service
from tests.webdriver import Browser, started

_Result = TypeVar("_Result")
_PATIENCE_S: Final = 15.0


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The browser that tests share; each loads the page that it is about."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    require_service("Chromium", bool(program and driver), "apt-get install chromium chromium-driver")
    with started(program or "", driver or "", tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser) -> Iterator[Browser]:
    """The browser as if just started: light, wide, and on no page."""
    sized(chromium, 1280, 1000)
    in_scheme(chromium, "light")
    yield chromium
    chromium.open("about:blank")


def in_scheme(browser: Browser, scheme: str) -> None:
    """Lets pages be light or dark."""
    browser.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])


def sized(browser: Browser, width: int, height: int, *, mobile: bool = False) -> None:
    """Lets its window have this size."""
    browser.tell(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile
    )


def until(told: Callable[[], _Result], what: str) -> _Result:
    """What is told once it is something; fails where that never happens."""
    end = time.monotonic() + _PATIENCE_S
    while True:
        found = told()
        if found:
            return found
        assert time.monotonic() < end, f"never: {what}"
        time.sleep(0.05)


class Served:
    """A host whose console is served at `url`."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, host: BaseRuntimeHostProcess, find: FindToken | None
    ) -> None:
        self.host = host
        self._loop = loop
        self._pages = pages_of(host, Console(Door("127.0.0.1", find)))
        self._server: AdminServer | None = None
        self._open = AsyncExitStack()
        self.port = 0

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}/"

    def do(self, work: Coroutine[None, None, _Result]) -> _Result:
        """The result of this, awaited where the host runs."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE_S)

    async def up(self) -> None:
        """Begins to serve, at the same port as before."""
        server = AdminServer(self._pages, "127.0.0.1", self.port)
        self._server = await self._open.enter_async_context(server)
        self.port = self._server.port

    async def down(self) -> None:
        """Ends that; the host runs on."""
        await self._open.aclose()


@contextmanager
def served(
    parts: HostParts,
    functions: Mapping[str, Callable[[dict[str, object]], object]] | None = None,
    find: FindToken | None = None,
) -> Iterator[Served]:
    """A host of these parts, with its console served, in a thread of its own."""
    page_files()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    host_class = type("Shown", (BaseRuntimeHostProcess,), {"compute_functions": functions or {}})

    async def made() -> Served:
        return Served(loop, host_class(parts), find)

    shown = asyncio.run_coroutine_threadsafe(made(), loop).result(_PATIENCE_S)
    try:
        shown.do(shown.up())
        shown.do(shown.host.open())
        yield shown
    finally:
        shown.do(shown.host.close(grace_s=1.0))
        shown.do(shown.down())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_PATIENCE_S)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
