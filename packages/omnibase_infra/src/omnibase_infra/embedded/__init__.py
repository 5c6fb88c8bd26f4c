"""A real PostgreSQL from a wheel, for the demo, development, tests and tools; never for production data.

The server listens on a Unix socket in a folder of its own and on no network address. It runs under a small
shell that waits on a pipe: when this process ends, however it ends, the pipe closes, and the shell stops the
server and removes what was temporary.
"""

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

from omnibase_core.errors import ProtocolConfigurationError

from omnibase_infra.embedded.programs import give_away, is_installed, programs_for, system_user

__all__ = ["EmbeddedPostgres", "is_installed"]

_SUPERUSER: Final = "postgres"
_SOCKET_PATH_LIMIT: Final = 90
_START_LIMIT_S: Final = 30.0
_STOP_LIMIT_S: Final = 15.0
_POLL_S: Final = 0.01
_FAST, _IMMEDIATE = "INT", "QUIT"

_KEEPER: Final = """
folder=$1; number=$2; shift 2
{ "$@" </dev/null & echo $! >"$number"; wait $!; echo "FATAL:  the server has ended" >&2; } &
server() { until [ -s "$number" ]; do sleep 0.01; done; kill -"$1" "$(cat "$number")"; wait; }
if read -r signal; then
  server "$signal"
else
  server INT
  if [ -n "$folder" ]; then rm -rf "$folder"; fi
fi
"""


class EmbeddedPostgres:
    """One server: `with EmbeddedPostgres() as server: … server.dsn`.

    folder: where the data is kept between runs; without one it lies in a temporary folder, unsynced to disk,
        and is removed at the end.
    password: of the superuser `postgres`; without one everybody who may open the socket (this system user)
        gets in.

    `start` and `stop` block (about a second): call them before the loop runs, or while the host starts.
    Raises ProtocolConfigurationError where the wheel is missing or the server does not start.
    """

    def __init__(self, folder: Path | None = None, *, password: str | None = None) -> None:
        self._kept = folder
        self._password = password
        self._temporary: Path | None = None
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"EmbeddedPostgres({'running' if self.running else 'stopped'})"

    @property
    def running(self) -> bool:
        """Whether this object has a server under way."""
        return self._keeper is not None and self._keeper.poll() is None

    @property
    def dsn(self) -> str:
        """`postgresql://postgres[:password]@/postgres?host=<socket folder>`: for asyncpg and psql alike."""
        return self.dsn_of("postgres")

    def dsn_of(self, database: str, *, user: str = _SUPERUSER, password: str | None = None) -> str:
        """The DSN of another database or user of this server."""
        secret = password if password is not None else self._password
        login = quote(user, safe="") + (f":{quote(secret, safe='')}" if secret else "")
        return f"postgresql://{login}@/{quote(database, safe='')}?host={quote(str(self._home), safe='/')}"

    def start(self) -> None:
        """Starts the server, the first time with a fresh cluster; returns when it takes connections."""
        if self.running:
            return
        if self._temporary is None:
            self._temporary = _temporary_folder()
            atexit.register(self.close)
        try:
            programs = programs_for(self._home)
            if not (self._data / "PG_VERSION").exists():
                self._create_cluster(programs)
            self._launch(programs)
            self._await_ready()
        except BaseException:
            self.close()
            raise

    def run_sql(self, file: Path) -> None:
        """Runs a file of SQL, such as a schema, with psql: all of it or nothing, in one transaction.

        Blocks. Raises ProtocolConfigurationError with file, line and what the server said.
        """
        psql = programs_for(self._home) / "psql"
        ran = subprocess.run(  # noqa: S603 - a fixed program of the wheel
            [
                str(psql),
                "-X",
                "-q",
                "-1",
                "-v",
                "ON_ERROR_STOP=1",
                "-h",
                str(self._home),
                "-U",
                _SUPERUSER,
                "-f",
                str(file),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            env={**_environment(), "PGPASSWORD": self._password or ""},
        )
        if ran.returncode != 0:
            said = ran.stderr.decode(errors="replace").strip().removeprefix("psql:")
            raise ProtocolConfigurationError(
                f"SQL for the embedded PostgreSQL failed, and nothing of it stays: {said}"
            )

    def stop(self, *, immediate: bool = False) -> None:
        """Stops the server and keeps its data. `immediate` is a crash: no farewell to clients, no checkpoint."""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        assert keeper.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            keeper.stdin.write(f"{_IMMEDIATE if immediate else _FAST}\n".encode())
            keeper.stdin.flush()
        try:
            keeper.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._kill()
            keeper.wait()
        finally:
            with contextlib.suppress(BrokenPipeError):
                keeper.stdin.close()

    def close(self) -> None:
        """Stops the server and removes what was temporary. Does nothing when called again."""
        self.stop(immediate=self._kept is None)
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
            atexit.unregister(self.close)

    @property
    def _home(self) -> Path:
        if self._temporary is None:
            raise ProtocolConfigurationError("The embedded PostgreSQL was not started; use it in a with block")
        return self._temporary

    @property
    def _data(self) -> Path:
        return self._kept if self._kept is not None else self._home / "data"

    def _create_cluster(self, programs: Path) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        give_away(self._data)
        method = ["--auth=trust"]
        if self._password is not None:
            secret = self._home / "password"
            secret.touch(mode=0o600)
            secret.write_text(self._password + "\n", encoding="utf-8")
            give_away(secret)
            method = ["--auth=scram-sha-256", f"--pwfile={secret}"]
        command = [programs / "initdb", "-D", self._data, "-U", _SUPERUSER, "--encoding=UTF8", "--no-locale"]
        made = subprocess.run(  # noqa: S603 - a fixed program of the wheel
            [*map(str, command), "--no-instructions", *([] if self._kept else ["--no-sync"]), *method],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            cwd=self._home,
            env=_environment(),
            user=system_user(),
            start_new_session=True,
        )
        (self._home / "password").unlink(missing_ok=True)
        if made.returncode != 0:
            raise _failed("create its cluster", made.stderr.decode(errors="replace"))

    def _launch(self, programs: Path) -> None:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._home),
            "shared_buffers": "32MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "jit": "off",
        }
        if self._kept is None:
            options |= {"fsync": "off", "full_page_writes": "off"}
        settings = ["-D", str(self._data)]
        settings += [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        disposable = str(self._home) if self._kept is None else ""
        number = self._home / "number"
        number.unlink(missing_ok=True)
        with self._log.open("wb") as log:
            self._keeper = subprocess.Popen(  # noqa: S603 - a fixed program of the wheel
                ["/bin/sh", "-c", _KEEPER, "sh", disposable, str(number), str(programs / "postgres"), *settings],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self._home,
                env=_environment(),
                user=system_user(),
                start_new_session=True,
            )

    @property
    def _log(self) -> Path:
        return self._home / "log"

    def _postmaster(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _await_ready(self) -> None:
        deadline = time.monotonic() + _START_LIMIT_S
        while time.monotonic() < deadline:
            lines = self._postmaster()
            if len(lines) > 7 and lines[7].strip() == "ready" and lines[4] == str(self._home):
                return
            if "FATAL:" in self._log.read_text(encoding="utf-8", errors="replace"):
                break
            time.sleep(_POLL_S)
        raise _failed("start", self._log.read_text(encoding="utf-8", errors="replace"))

    def _kill(self) -> None:
        lines = self._postmaster()
        if lines:
            with contextlib.suppress(ProcessLookupError, ValueError):
                os.kill(int(lines[0]), signal.SIGKILL)


def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="onex-postgres-"))
    if len(str(folder)) > _SOCKET_PATH_LIMIT:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="onex-postgres-", dir="/tmp"))
    give_away(folder)
    return folder


def _environment() -> dict[str, str]:
    return {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}


def _failed(what: str, output: str) -> ProtocolConfigurationError:
    tail = "\n".join(output.strip().splitlines()[-5:])
    return ProtocolConfigurationError(f"The embedded PostgreSQL could not {what}; it said:\n{tail}")
