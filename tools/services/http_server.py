"""What the servers that speak HTTP have in common: one process, its plan in a file, JSON asked of it."""

import json
import signal
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.services.base import Connection, ServiceError
from tools.services.golang import GoProgram
from tools.services.process import ServerProcess, remove

_START_LIMIT_S: Final = 60.0
_STOP_LIMIT_S: Final = 10.0
_ANSWER_LIMIT_S: Final = 5.0
_POLL_S: Final = 0.02

Json = dict[str, object]


class HttpServer:
    """A server built from Go, in `folder`; its plan, written once, says how to start and reach it."""

    def __init__(self, folder: Path, program: GoProgram) -> None:
        self.folder = folder
        self.process = ServerProcess(folder)
        self.program = program
        self._plan = folder / "plan.json"

    @property
    def plan(self) -> Json:
        """What was written when it was started first. Raises ServiceError where it was not."""
        if not self._plan.exists():
            raise ServiceError(f"There is no server in {self.folder}: it was never started, or was stopped")
        known: Json = json.loads(self._plan.read_text())
        return known

    def write(self, plan: Mapping[str, object]) -> None:
        """Keeps a plan."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._plan.write_text(json.dumps(plan))

    def fetch(self) -> None:
        """Builds the program, if it is not there."""
        self.program.build()

    def require(self) -> None:
        """Raises MissingError where the program is not built."""
        self.program.require()

    def launch(self, arguments: Sequence[str | Path], answers: Callable[[], bool], *, leashed: bool) -> None:
        """Starts the process, and returns when it answers; raises ServiceError where it does not."""
        self.process.start([self.program.path, *arguments], leashed=leashed)
        self.wait_for(answers)

    def wait_for(self, answers: Callable[[], bool]) -> None:
        """Returns when `answers` does; raises ServiceError, with the end of the log, where it never does."""
        deadline = time.monotonic() + _START_LIMIT_S
        while not answers():
            if not self.process.running or time.monotonic() > deadline:
                raise ServiceError(
                    f"{self.program.name} does not answer; its log ends:\n{self.process.last_words()}"
                )
            time.sleep(_POLL_S)

    def kill(self) -> None:
        """A crash, by SIGKILL; the data stay, and `start` goes on with them."""
        self.process.end(signal.SIGKILL, _STOP_LIMIT_S)

    def freeze(self) -> None:
        """Nothing answers until `thaw`."""
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self.process.send(signal.SIGCONT)

    def stop(self) -> None:
        """Ends it and removes its folder. Does nothing where there is none."""
        if self.process.running:
            self.kill()
        remove(self.folder)


def ask(method: str, url: str, body: object = None, headers: Mapping[str, str] | None = None) -> tuple[int, Json]:
    """Status and JSON object of an answer, whatever its status; raises OSError where nobody answers.

    The certificate is not checked: the server is ours, on loopback.
    """
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, content, dict(headers or {}), method=method)  # noqa: S310 - http(s) only
    unchecked = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    handlers = (urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unchecked))
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=_ANSWER_LIMIT_S) as answer:
            return answer.status, _object(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _object(error.read())


def _object(content: bytes) -> Json:
    try:
        read = json.loads(content)
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {"value": read}


def connection_of(server: HttpServer, *names: str) -> Connection:
    """The parts of its plan that a client needs."""
    plan = server.plan
    return {name: plan[name] for name in names if name in plan}
