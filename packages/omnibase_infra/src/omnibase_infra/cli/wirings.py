"""The wirings of `onex-host dev`: one that serves, those that finish what they have, and why the next is refused.

Each is a host of its own, on an in-memory bus of its own, opened wholly before it takes over: a reload is a start,
so what works after it works after a restart. Why: docs/decisions/0020-reload-in-development.md. Imported within
commands only.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import click
from omnibase_core.contracts.load import LoadedContract, load_contract
from omnibase_core.errors import ContractValidationError, RuntimeHostError
from omnibase_core.problems import ModelProblem

from omnibase_infra.cli.command import rendered
from omnibase_infra.cli.excerpts import shown_problems
from omnibase_infra.cli.hosting import HostClass, described, host_class
from omnibase_infra.cli.stand_in import StandInDatabase
from omnibase_infra.cli.watching import ProjectModules, WatchedFiles
from omnibase_infra.host.process import BaseRuntimeHostProcess, Stopped
from omnibase_infra.wiring import build_host, resolver_of


class Wiring(NamedTuple):
    """A host that runs until it is asked to stop. took_s: its start."""

    loaded: LoadedContract
    host: BaseRuntimeHostProcess
    running: asyncio.Task[Stopped]
    embedded: tuple[str, ...]
    took_s: float


class Fault(NamedTuple):
    """Why a contract cannot be run as it is: as text, and problem by problem where its files are at fault."""

    text: str
    problems: Sequence[ModelProblem] = ()

    def shown(self) -> str:
        """The text, with the lines of the files where they are at fault."""
        return click.unstyle(shown_problems(self.problems)) if self.problems else self.text


class Wirings:
    """Makes a wiring of a contract whenever it is asked to, and keeps the last that works.

    grace_s: what a wiring may take to finish what it has when its successor is up, or at the end.
    """

    def __init__(self, contract: str, host_name: str | None, database: StandInDatabase, grace_s: float) -> None:
        self.contract = contract
        self.fault: Fault | None = None
        self.files = WatchedFiles()
        self.reloads = 0
        self._host_name = host_name
        self._database = database
        self._grace_s = grace_s
        self._modules = ProjectModules(Path.cwd())
        self._current: Wiring | None = None
        self._closing = False
        self._ending: set[asyncio.Task[Stopped]] = set()

    @property
    def current(self) -> Wiring:
        """The one that serves; there is one once `renew` has succeeded."""
        assert self._current is not None
        return self._current

    @property
    def has_served(self) -> bool:
        """Whether any wiring has worked."""
        return self._current is not None

    @property
    def is_over(self) -> bool:
        """Whether the one that serves has ended by itself."""
        return self._current is not None and self._current.running.done() and not self._closing

    @property
    def can_be_mended(self) -> bool:
        """Whether a save would help: the contract is there, and its files are at fault."""
        return self.fault is not None and bool(self.fault.problems) and Path(self.contract).exists()

    @property
    def problems(self) -> Sequence[ModelProblem]:
        """The warnings of what serves."""
        return self.current.loaded.problems

    async def renew(self) -> None:
        """Takes the files as they are. Where they do not make a host, what serves goes on; `fault` says why."""
        self.files = WatchedFiles()
        self.files.note(self._modules.files)
        begun = time.monotonic()
        try:
            wiring = await self._opened(begun)
        except ContractValidationError as error:
            self.fault = Fault(rendered(error), error.problems)
        except RuntimeHostError as error:
            self.fault = Fault(rendered(error))
        except click.UsageError as error:
            self.fault = Fault(error.format_message())
        except Exception as error:  # noqa: BLE001 - a host of the project's own may raise anything while it is made
            self.fault = Fault(f"The host could not be made: {described(error)}")
        else:
            self.fault = None
            self._take_over(wiring)
        finally:
            self.files.note(self._modules.files)

    async def close(self) -> int:
        """Ends all of them; gives the number of envelopes that had no answer in time."""
        self._closing = True
        if self._current is not None:
            self._retire(self._current)
        ended = await asyncio.gather(*self._ending)
        return sum(each.unfinished for each in ended)

    async def _opened(self, begun: float) -> Wiring:
        loaded = load_contract(self.contract, self.files.read, os.environ, in_memory=True)
        loaded.require()
        made = self._class()
        completed, embedded = await self._database.behind(loaded, resolver_of(loaded, os.environ))
        host = build_host(completed, resolver_of(completed, os.environ), host=made, local=True)
        before = None if self._current is None or self._current.running.done() else self._current.host
        await host.open(replaces=before)
        running = asyncio.create_task(host.run(grace_s=self._grace_s), name="onex-dev-host")
        return Wiring(loaded, host, running, embedded, time.monotonic() - begun)

    def _class(self) -> HostClass:
        with self._modules.anew():
            return host_class(self._host_name)

    def _take_over(self, wiring: Wiring) -> None:
        before, self._current = self._current, wiring
        self.reloads += before is not None
        if before is not None:
            self._retire(before)

    def _retire(self, wiring: Wiring) -> None:
        wiring.host.request_stop()
        self._ending.add(wiring.running)
        wiring.running.add_done_callback(self._ending.discard)
