"""Files that are looked at again and again, and what is made of Python modules among them.

Polled, not watched by the kernel: some `stat` calls a second cost next to nothing, need no thread
and no dependency, and see what is written through a mount, where inotify is deaf. Imported within commands only.
"""

import asyncio
import importlib
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Final

from omnibase_core.contracts.reading import FileRefusal

from omnibase_infra.config.files import read_contract_file

_EVERY_S: Final = 0.2
_OURS: Final = frozenset(("omnibase_core", "omnibase_spi", "omnibase_infra"))

_Stamp = tuple[int, int, int] | None


class WatchedFiles:
    """Files as they were when they were read; one that was not there is watched too."""

    def __init__(self) -> None:
        self._stamps: dict[str, _Stamp] = {}
        self._seen: dict[str, _Stamp] = {}

    def __len__(self) -> int:
        return sum(stamp is not None for stamp in self._stamps.values())

    def read(self, path: str) -> bytes | FileRefusal:
        """A ContractReader that remembers what it was asked for."""
        self.note((path,))
        return read_contract_file(path)

    def note(self, paths: Iterable[str]) -> None:
        """Watches these as well; how a file is when it is first named is how it is known."""
        for path in paths:
            self._stamps.setdefault(path, _stamp(path))

    async def changed(self) -> Sequence[str]:
        """Waits until some have changed, and names them."""
        while True:
            await asyncio.sleep(_EVERY_S)
            if changed := self.look():
                return changed

    def look(self) -> Sequence[str]:
        """Those that have changed, once they are as the look before saw them: an editor may write in steps."""
        before, self._seen = self._seen, self._now()
        if self._seen != before:
            return ()
        return [path for path, stamp in self._stamps.items() if before[path] != stamp]

    def _now(self) -> dict[str, _Stamp]:
        return {path: _stamp(path) for path in self._stamps}


class ProjectModules:
    """The Python modules of a folder, apart from what is there already when this is made.

    They are imported anew together, never in place: what was made of the old ones goes on with the old ones.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._others = frozenset(sys.modules)
        self._failed: set[str] = set()

    @property
    def files(self) -> set[str]:
        """The files of those that are imported, and of those that could not be."""
        return {str(module.__file__) for module in self._modules().values()} | self._failed

    @contextmanager
    def anew(self) -> Iterator[None]:
        """Imports in its body find none of them; where the body fails, everything is as it was before."""
        before = self._modules()
        for name in before:
            del sys.modules[name]
        importlib.invalidate_caches()
        self._failed = set()
        try:
            yield
        except BaseException as error:
            mine = {name: module for name, module in self._modules().items() if before.get(name) is not module}
            self._failed = {str(module.__file__) for module in mine.values()} | set(self._named_by(error))
            for name in mine:
                del sys.modules[name]
            sys.modules.update(before)
            raise

    def _modules(self) -> dict[str, ModuleType]:
        return {
            name: module
            for name, module in sys.modules.items()
            if name not in self._others and self._has(getattr(module, "__file__", None), name)
        }

    def _has(self, file: str | None, name: str) -> bool:
        if file is None or name.partition(".")[0] in _OURS or "site-packages" in file:
            return False
        return Path(file).resolve().is_relative_to(self._folder)

    def _named_by(self, error: BaseException) -> Iterator[str]:
        """The files of the folder in an error and its causes."""
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, SyntaxError) and cause.filename:
                yield cause.filename
            if isinstance(cause, ModuleNotFoundError) and cause.name:
                yield str(self._folder / f"{cause.name.replace('.', '/')}.py")
            step = cause.__traceback__
            while step is not None:
                if self._has(step.tb_frame.f_code.co_filename, ""):
                    yield step.tb_frame.f_code.co_filename
                step = step.tb_next
            cause = cause.__cause__


def _stamp(path: str) -> _Stamp:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
