"""PostgreSQL from the wheel, kept up by a small process of its own: `python -m tools.services.postgres FOLDER`."""

import json
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

from omnibase_infra import embedded

from tools.services.base import Connection, MissingError, ServiceError
from tools.services.process import ServerProcess, remove

_START_LIMIT_S: Final = 40.0
_STOP_LIMIT_S: Final = 20.0
_POLL_S: Final = 0.02
_CONNECTION: Final = "connection.json"
_PASSWORD: Final = "password-of-postgres"  # noqa: S105 - of a server that nobody else reaches
_ROOT: Final = Path(__file__).resolve().parents[2]


class Postgres:
    """One PostgreSQL server on a Unix socket; its data are gone when it stops."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process = ServerProcess(folder)

    @property
    def state(self) -> str:
        """`running`, `stopped`, or `silent`: nobody takes connections."""
        if not (self._process.running and self._ready):
            return "stopped"
        return "running" if self._answers() else "silent"

    def connection(self) -> Connection:
        """Its DSN, for asyncpg and psql alike."""
        if not self._ready:
            raise ServiceError(f"There is no server in {self.folder}: it was never started, or was stopped")
        known: dict[str, object] = json.loads((self.folder / _CONNECTION).read_text())
        return known

    def fetch(self) -> None:
        """Nothing: the wheel comes with `uv sync`."""
        self.require()

    def require(self) -> None:
        """Raises MissingError where the wheel is missing."""
        if not embedded.is_installed():
            raise MissingError("The PostgreSQL wheel", "uv sync --locked")

    def start(self, *, leashed: bool = False) -> None:
        """Starts it, and returns when it takes connections."""
        self.require()
        if self.state == "running":
            return
        self._process.end(signal.SIGTERM, _STOP_LIMIT_S)
        remove(self.folder)
        self._process.start([sys.executable, "-m", __name__, self.folder], leashed=leashed, cwd=_ROOT)
        deadline = time.monotonic() + _START_LIMIT_S
        while not self._ready:
            if not self._process.running or time.monotonic() > deadline:
                raise ServiceError(f"PostgreSQL did not start; it said:\n{self._process.last_words()}")
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Stops it and removes its folder. Does nothing where there is none."""
        self._process.end(signal.SIGTERM, _STOP_LIMIT_S)
        remove(self.folder)

    def _answers(self) -> bool:
        home = parse_qs(urlsplit(str(self.connection()["dsn"])).query)["host"][0]
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(f"{home}/.s.PGSQL.5432")
            except OSError:
                return False
        return True

    @property
    def _ready(self) -> bool:
        return (self.folder / _CONNECTION).exists()


def _keep(folder: Path) -> None:
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    with embedded.EmbeddedPostgres(password=_PASSWORD) as server:
        written = folder / f"{_CONNECTION}.new"
        written.write_text(json.dumps({"dsn": server.dsn}))
        written.rename(folder / _CONNECTION)
        signal.sigwait(ends)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
