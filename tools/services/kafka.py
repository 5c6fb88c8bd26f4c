"""Apache Kafka: one broker or several, each in a process of its own, broker and controller in one (KRaft)."""

import base64
import json
import signal
import socket
import struct
import subprocess
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.services import jars
from tools.services.base import Connection, ServiceError, free_ports, is_free
from tools.services.certificates import write_certificates
from tools.services.kafka_settings import CONTROLLER, LISTENERS, USERS, Node, properties, scram_credentials
from tools.services.process import ServerProcess, remove

_START_LIMIT_S: Final = 90.0
_STOP_LIMIT_S: Final = 20.0
_ANSWER_LIMIT_S: Final = 2.0
_POLL_S: Final = 0.05
_HEAP_MB: Final = {1: 384, 3: 256}
_FORMAT_HEAP_MB: Final = 96


class Broker:
    """One broker: what a test does to it."""

    def __init__(self, node: Node, heap_mb: int) -> None:
        self.number = node.number
        self.address = f"127.0.0.1:{node.ports['plaintext']}"
        self.node = node
        self._heap_mb = heap_mb
        self._process = ServerProcess(node.folder)
        self._leashed = False

    @property
    def running(self) -> bool:
        """Whether its process exists, frozen or not."""
        return self._process.running

    @property
    def pid(self) -> int:
        """The id of its process. Raises ServiceError where it does not run."""
        return self._process.pid

    def answers(self, limit_s: float = _ANSWER_LIMIT_S) -> bool:
        """Whether it answers a request: a broker does so once it serves clients."""
        asked = struct.pack(">hhih", 18, 0, 1, -1)  # ApiVersions, which needs no login and nothing else
        address = ("127.0.0.1", self.node.ports["plaintext"])
        try:
            with socket.create_connection(address, limit_s) as connection:
                connection.sendall(struct.pack(">i", len(asked)) + asked)
                return connection.recv(1) != b""
        except OSError:
            return False

    def launch(self, *, leashed: bool = False) -> None:
        """Starts its process, on the ports and the data that it had before, and waits for nothing."""
        self._leashed = leashed or self._leashed
        taken = [port for port in self.node.ports.values() if not is_free(port)]
        if taken:
            raise ServiceError(f"Broker {self.number} cannot start: another process has its port {taken[0]}")
        settings = self.node.folder / "server.properties"
        self._process.start(jars.java("kafka.Kafka", settings, heap_mb=self._heap_mb), leashed=self._leashed)

    def await_ready(self, limit_s: float = _START_LIMIT_S) -> None:
        """Returns when it answers. Raises ServiceError, with the end of its log, where it does not."""
        deadline = time.monotonic() + limit_s
        while not self.answers():
            if not self.running or time.monotonic() > deadline:
                what = "does not answer" if self.running else "has ended"
                raise ServiceError(f"Broker {self.number} {what}; its log ends:\n{self._process.last_words()}")
            time.sleep(_POLL_S)

    def restart(self) -> None:
        """Starts it again after `stop` or `kill`, on the same ports and data; returns when it answers."""
        self.launch()
        self.await_ready()

    def stop(self) -> None:
        """An orderly stop, by SIGTERM."""
        self._process.end(signal.SIGTERM, _STOP_LIMIT_S)

    def kill(self) -> None:
        """A crash, by SIGKILL."""
        self._process.end(signal.SIGKILL, _STOP_LIMIT_S)

    def freeze(self) -> None:
        """Stops its process in its tracks; connections stay open, and nothing answers until `thaw`."""
        self._process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        """Lets it go on."""
        self._process.send(signal.SIGCONT)


class Kafka:
    """A cluster of one broker or three, in `folder`. settings: of server.properties, beside or instead of ours."""

    def __init__(self, folder: Path, brokers: int = 1, settings: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._count = brokers
        self._settings = settings or {}
        self._brokers: Sequence[Broker] = ()

    @property
    def brokers(self) -> Sequence[Broker]:
        """Its brokers, the one with number 1 first. Raises ServiceError where it was never started."""
        if not self._brokers:
            if not self._plan.exists():
                raise ServiceError(f"There is no server in {self.folder}: it was never started, or was stopped")
            planned = json.loads(self._plan.read_text())
            self._brokers = self._with(planned)
        return self._brokers

    @property
    def certificates(self) -> Path:
        """The folder with `ca.pem`, `other-ca.pem`, `client-cert.pem` and `client-key.pem`."""
        return self.folder / "tls"

    @property
    def state(self) -> str:
        """`running`, `stopped`, or `silent`: not every broker runs and answers."""
        if not self._plan.exists() or not any(broker.running for broker in self.brokers):
            return "stopped"
        return "running" if all(broker.answers() for broker in self.brokers) else "silent"

    @property
    def bootstrap_servers(self) -> str:
        """The addresses of the plaintext listeners, with commas between."""
        return self.listener("plaintext")

    def listener(self, name: str) -> str:
        """The addresses of a listener of LISTENERS, with commas between."""
        return ",".join(f"127.0.0.1:{broker.node.ports[name]}" for broker in self.brokers)

    def connection(self) -> Connection:
        """Addresses, certificates, users."""
        return {
            "bootstrap_servers": self.bootstrap_servers,
            "listeners": {name: self.listener(name) for name in LISTENERS},
            "ca_file": str(self.certificates / "ca.pem"),
            "client_certificate_file": str(self.certificates / "client-cert.pem"),
            "client_key_file": str(self.certificates / "client-key.pem"),
            "users": dict(USERS),
        }

    def fetch(self) -> None:
        """Gets the jars, if they are not there."""
        jars.fetch()

    def require(self) -> None:
        """Raises MissingError where Java or the jars are missing."""
        jars.require()

    def start(self, *, leashed: bool = False) -> None:
        """Starts the brokers that do not run; keeps ports and data, but for ports that were taken meanwhile."""
        self.require()
        if not self._plan.exists():
            self._create()
        elif not any(broker.running for broker in self.brokers):
            self._move_if_taken()
        for broker in self.brokers:
            if not broker.running:
                broker.launch(leashed=leashed)
        for broker in self.brokers:
            broker.await_ready()

    def stop(self) -> None:
        """Stops the brokers and removes the folder. Does nothing where there is none."""
        if self._plan.exists():
            for broker in self.brokers:
                broker.kill()
        self._brokers = ()
        remove(self.folder)

    @property
    def _plan(self) -> Path:
        return self.folder / "ports.json"

    def _with(self, ports: Sequence[Mapping[str, int]]) -> Sequence[Broker]:
        return [
            Broker(Node(number, self.folder / f"broker-{number}", of_node), _HEAP_MB[self._count])
            for number, of_node in enumerate(ports, 1)
        ]

    def _create(self) -> None:
        remove(self.folder)
        write_certificates(self.certificates)
        ports = self._settle()
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        self._format(cluster)
        self._plan.write_text(json.dumps(ports))

    def _move_if_taken(self) -> None:
        if not all(is_free(port) for broker in self.brokers for port in broker.node.ports.values()):
            self._plan.write_text(json.dumps(self._settle()))

    def _settle(self) -> Sequence[Mapping[str, int]]:
        """Chooses ports, and writes the settings of each node with them."""
        names = (*LISTENERS, CONTROLLER)
        chosen = free_ports(len(names) * self._count)
        ports = [dict(zip(names, chosen[start :: self._count], strict=True)) for start in range(self._count)]
        self._brokers = self._with(ports)
        voters = {broker.number: broker.node.ports[CONTROLLER] for broker in self._brokers}
        for broker in self._brokers:
            text = properties(broker.node, voters, self.certificates, self._settings)
            broker.node.folder.mkdir(parents=True, exist_ok=True)
            (broker.node.folder / "server.properties").write_text(text)
        return ports

    def _format(self, cluster: str) -> None:
        users = [part for credential in scram_credentials() for part in ("--add-scram", credential)]
        running = [
            subprocess.Popen(
                jars.java(
                    "kafka.tools.StorageTool",
                    "format",
                    f"--cluster-id={cluster}",  # which may begin with a dash
                    "--config",
                    broker.node.folder / "server.properties",
                    *users,
                    heap_mb=_FORMAT_HEAP_MB,
                ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            for broker in self._brokers
        ]
        for formatting in running:
            said, _ = formatting.communicate()
            if formatting.returncode != 0:
                raise ServiceError(f"Kafka could not format its data folder; it said:\n{said.strip()[-800:]}")
