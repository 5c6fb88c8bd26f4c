"""A server process that is found again by any later command, and by nothing but its folder."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from tools.services.base import ServiceError

_POLL_S: Final = 0.01
_KILL_LIMIT_S: Final = 10.0
_LAUNCH: Final = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'
_LEASH: Final = 'read -r _; kill -KILL "$1"; rm -rf "$2"'


class ServerProcess:
    """The process of one server, with its log, in `folder`.

    The server inherits an open file on which a lock lies: as long as the lock is held the server lives, however
    it was started and by whom, and its number cannot have gone to another process.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log"
        self._lock = folder / "lock"
        self._number = folder / "pid"
        self._leash: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the process exists, frozen or not."""
        try:
            with self._lock.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @property
    def pid(self) -> int:
        """Its process id. Raises ServiceError where it does not run."""
        if not self.running:
            raise ServiceError(f"The server in {self.folder} does not run; its log: {self.log}")
        return int(self._number.read_text())

    def start(self, command: Sequence[str | Path], *, leashed: bool = False, cwd: Path | None = None) -> None:
        """Starts the server. Leashed, it is killed and its folder removed when this process ends, by whatever."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock.open("wb") as file:
            self._take(file.fileno())
            launched = subprocess.run(
                ["/bin/sh", "-c", _LAUNCH, "sh", self.log, *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                check=True,
                cwd=cwd or self.folder,
                pass_fds=[file.fileno()],
                start_new_session=True,
            )
        self._number.write_bytes(launched.stdout)
        if leashed:
            self._tie(int(launched.stdout))

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to the server. Raises ServiceError where it does not run."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def end(self, number: signal.Signals, limit_s: float) -> None:
        """Ends the server by a signal, or by SIGKILL after `limit_s`; returns when it is gone."""
        for attempt, patience in ((number, limit_s), (signal.SIGKILL, _KILL_LIMIT_S)):
            with contextlib.suppress(ServiceError):
                self.send(attempt)
                self.send(signal.SIGCONT)
            if self._gone(patience):
                break
        else:
            raise ServiceError(f"Process {self.pid} of the server in {self.folder} cannot be killed")
        self._untie()

    def last_words(self) -> str:
        """The end of its log."""
        try:
            lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return ""
        telling = [line[:300] for line in lines if not line.startswith("\tat ")]
        return "\n".join(telling[-8:])

    def _take(self, descriptor: int) -> None:
        deadline = time.monotonic() + 1
        while True:
            try:
                return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServiceError(f"The server in {self.folder} runs already") from None
                time.sleep(_POLL_S)

    def _gone(self, limit_s: float) -> bool:
        deadline = time.monotonic() + limit_s
        while self.running:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def _tie(self, pid: int) -> None:
        self._untie()
        self._leash = subprocess.Popen(
            ["/bin/sh", "-c", _LEASH, "sh", str(pid), str(self.folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _untie(self) -> None:
        leash, self._leash = self._leash, None
        if leash is not None:
            leash.kill()
            leash.wait()
            assert leash.stdin is not None
            leash.stdin.close()


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keeps other commands from working on `folder` at the same time: they wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def remove(folder: Path) -> None:
    """Removes a folder, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
