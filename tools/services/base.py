"""What every server of tools.services has in common: its place, its ports, its errors."""

import os
import random
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

# Below the range from which systems take the ports of outgoing connections: a client that tries a dead server's
# port again and again would sooner or later be connected to itself, and hold the port.
_PORTS: Final = range(20_000, 32_000)

Connection = Mapping[str, object]


class ServiceError(Exception):
    """A server could not be fetched, started or stopped; the text says why and what to do."""


class MissingError(ServiceError):
    """The machine lacks something: `what` it is, and the `command` that provides it."""

    def __init__(self, what: str, command: str) -> None:
        super().__init__(f"{what} is missing; get it with: {command}")
        self.what = what
        self.command = command


class Service(Protocol):
    """One server, or several that belong together, in a folder. Everything here blocks."""

    def fetch(self) -> None:
        """Gets what is needed to start, if it is not there yet. Raises MissingError or ServiceError."""

    def require(self) -> None:
        """Raises MissingError where `start` would lack something. Downloads nothing."""

    def start(self, *, leashed: bool = False) -> None:
        """Starts what does not run, and returns when it answers; leashed: it ends when this process does."""

    def stop(self) -> None:
        """Stops it and removes its folder."""

    @property
    def folder(self) -> Path:
        """Where its settings, its data and its log are."""

    @property
    def state(self) -> str:
        """`running`, `stopped`, or `silent`: its process is there and does not answer."""

    def connection(self) -> Connection:
        """How to connect, ready for JSON. Raises ServiceError where it was never started."""


def cache_folder() -> Path:
    """`onex-services` in XDG_CACHE_HOME or ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "onex-services"


def free_ports(count: int) -> Sequence[int]:
    """Different ports of the loopback interface on which nobody listens."""
    found: list[int] = []
    for port in random.sample(_PORTS, k=len(_PORTS)):
        if is_free(port):
            found.append(port)
            if len(found) == count:
                return found
    raise ServiceError(f"No {count} free ports between {_PORTS.start} and {_PORTS.stop}")


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True
