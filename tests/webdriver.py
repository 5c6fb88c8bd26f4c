"""A real browser, driven by the WebDriver protocol (W3C): the handful of its commands that tests of a page need.

selenium would bring trio, which httpcore imports wherever it finds it: nearly a second for each process that a
test starts, and another program than the one that is shipped.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

from pydantic import JsonValue

_PATIENCE_S: Final = 30.0
_SWITCHES: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Browser:
    """A browser with one page. What a command fails with is raised as RuntimeError."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._session = ""

    def begin(self, program: str, profile: Path) -> None:
        """Starts it, with nothing in its profile."""
        arguments: list[JsonValue] = [*_SWITCHES, f"--user-data-dir={profile}"]
        options: dict[str, JsonValue] = {"binary": program, "args": arguments}
        wanted: dict[str, JsonValue] = {"browserName": "chrome", "goog:chromeOptions": options}
        answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        assert isinstance(answer, dict)
        self._session = f"/session/{answer['sessionId']}"

    def end(self) -> None:
        """Closes it."""
        self._ask("DELETE", self._session)

    def open(self, url: str) -> None:
        """Goes to a page, and returns when it is loaded."""
        self._ask("POST", f"{self._session}/url", {"url": url})

    def run(self, script: str, *arguments: JsonValue) -> JsonValue:
        """What the body of a function returns on the page."""
        return self._ask("POST", f"{self._session}/execute/sync", {"script": script, "args": [*arguments]})

    def tell(self, command: str, **parameters: JsonValue) -> JsonValue:
        """A command of Chromium's own protocol."""
        asked: dict[str, JsonValue] = {"cmd": command, "params": parameters}
        return self._ask("POST", f"{self._session}/goog/cdp/execute", asked)

    def text(self, selector: str) -> str:
        """What stands there, as it is seen; empty where nothing is."""
        return str(self.run("return document.querySelector(arguments[0])?.innerText ?? ''", selector))

    def count(self, selector: str) -> int:
        """How many there are."""
        found = self.run("return document.querySelectorAll(arguments[0]).length", selector)
        assert isinstance(found, int)
        return found

    def sees(self, selector: str) -> bool:
        """Whether it is there and visible."""
        return self.run("return document.querySelector(arguments[0])?.checkVisibility()", selector) is True

    def _ask(self, method: str, path: str, body: dict[str, JsonValue] | None = None) -> JsonValue:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=_PATIENCE_S)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            value: JsonValue = json.loads(answer.read())["value"]
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {value}")
        return value


@contextmanager
def started(program: str, driver: str, profile: Path) -> Iterator[Browser]:
    """The browser, with its driver, until left."""
    with subprocess.Popen([driver, "--port=0"], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            said = next(
                match for line in process.stdout if (match := re.search(r"successfully on port (\d+)", line))
            )
            browser = Browser(int(said[1]))
            browser.begin(program, profile)
            yield browser
            browser.end()
        finally:
            process.terminate()
